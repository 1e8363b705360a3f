"""The packages that serve pages are asked for by the commands that need them."""

from __future__ import annotations

import pytest

from mlp.cli import page_options
from mlp.cli.page_options import check_page_installed
from mlp.common.errors import UsageError


def test_what_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    check_page_installed()
    monkeypatch.setattr(page_options, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"starlette and uvicorn, not installed.*\[draw\]"):
        check_page_installed()
