"""The README's picture is made by a script, which still works."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from PIL import Image
from source import ROOT, load_script

PICTURE = ROOT / "docs" / "terminal.png"


@pytest.fixture(scope="module")
def pictures() -> Any:
    return load_script(ROOT / "docs" / "pictures.py")


def test_the_picture_is_small_enough_to_load_at_once() -> None:
    assert PICTURE.stat().st_size < 200_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_the_script_makes_a_picture_of_this_size(pictures: Any) -> None:
    with Image.open(PICTURE) as made:
        assert pictures.make_picture().size == made.size


def test_what_ends_in_an_error_makes_no_picture(pictures: Any) -> None:
    with pytest.raises(RuntimeError, match="ended in exit code 2"):
        pictures.run("mlp", "predict", folder=ROOT)
