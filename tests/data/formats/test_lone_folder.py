"""Data in a folder of its own within another is found, and nothing else is entered."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from small_datasets import pair

from mlp.common.errors import DataError, UsageError
from mlp.data.formats import convert as formats
from mlp.data.formats.lone_folder import find_inside
from mlp.data.reading import Reading


def draw(folder: Path) -> None:
    for i, place in enumerate(("Train/Cat", "Train/dog", "VAL/Cat", "VAL/dog")):
        (folder / place).mkdir(parents=True)
        Image.new("L", (3, 3), 200 + i).save(folder / place / "a.PNG")


def test_pictures_are_found_in_the_one_folder_within(tmp_path: Path) -> None:
    draw(tmp_path / "archive" / "Outer" / "Digits")
    (tmp_path / "archive" / "__MACOSX" / "Outer").mkdir(parents=True)
    (tmp_path / "archive" / ".DS_Store").write_bytes(b"litter")
    (tmp_path / "archive" / "Outer" / "README.md").write_text("About the digits.")
    found = formats.read(tmp_path / "archive")
    assert found.task.names == ("Cat", "dog")
    assert (len(found.train), len(found.test), found.name) == (2, 2, "archive")
    with pytest.raises(UsageError, match="--label means nothing"):
        formats.read(tmp_path / "archive", Reading(label="a"))


def test_a_choice_between_two_is_left_to_the_user(tmp_path: Path) -> None:
    for name in "ab":
        draw(tmp_path / "outer" / name)
    with pytest.raises(DataError, match="outer is no dataset"):
        formats.read_raw(tmp_path / "outer")


def test_no_link_is_followed(tmp_path: Path) -> None:
    draw(tmp_path / "digits")
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer" / "link").symlink_to(tmp_path / "digits")
    assert find_inside(tmp_path / "outer") == (tmp_path / "outer", [])


def test_a_folder_around_data_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "outer").mkdir()
    formats.write(pair(), tmp_path / "outer" / "digits", "images")
    with pytest.raises(DataError, match="no dataset"):
        formats.write(pair(), tmp_path / "outer", "images", force=True)
