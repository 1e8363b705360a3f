"""Plugins: modules and files are imported, and what cannot be is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlp.common.errors import UsageError
from mlp.common.plugins import load_plugins


def test_modules_and_files_are_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("by_name", "by_path"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(f"NAME = {name!r}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_plugins("")
    load_plugins(f"by_name, {tmp_path / 'by_path.py'},")
    assert sys.modules["by_name"].NAME == "by_name"
    assert sys.modules["by_path"].NAME == "by_path"


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "FileNotFoundError"), ("1 / 0", "ZeroDivisionError: division")]
)
def test_what_cannot_be_imported_is_told(content: str | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "broken_plugin.py"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=f"MLP_PLUGINS names .*broken_plugin.py, .*{reason}"):
        load_plugins(str(path))
