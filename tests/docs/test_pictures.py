"""The README's picture is made by a script, which still works."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest
from PIL import Image
from source import ROOT

PICTURE = ROOT / "docs" / "terminal.png"


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_small_enough_to_load_at_once() -> None:
    assert PICTURE.stat().st_size < 200_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_the_script_makes_a_picture_of_this_size(pictures: ModuleType) -> None:
    with Image.open(PICTURE) as made:
        assert pictures.make_picture().size == made.size


def test_what_ends_in_an_error_makes_no_picture(pictures: ModuleType) -> None:
    with pytest.raises(RuntimeError, match="ended in exit code 2"):
        pictures.run("mlp", "predict", folder=ROOT)
