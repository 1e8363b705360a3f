"""What a format's library is missing for is said, with the command that installs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlp.common.errors import DataError
from mlp.data.formats.extra import import_extra


def test_a_missing_library_is_named_with_its_command() -> None:
    with pytest.raises(DataError, match=r"x\.mat is read by Nothing.*pip install .*\[data\]"):
        import_extra("no_such_library", "Nothing", Path("x.mat"))
