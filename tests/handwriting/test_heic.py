"""Photos in HEIC: read where the extra's library is, told of where it is not."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlp.common import bounds
from mlp.common.errors import DataError
from mlp.handwriting import heic, load_picture
from mlp.handwriting.heic import heic_bytes, is_heic, most_of_heic


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pillow_heif = pytest.importorskip("pillow_heif")
    levels = np.full((90, 120, 3), (210, 200, 190), np.uint8)
    levels[30:60, 50:60] = (20, 30, 90)
    path = tmp_path / "photo.heic"
    pillow_heif.from_pillow(Image.fromarray(levels)).save(path, quality=95)
    return path


def test_a_photo_is_read(photo: Path) -> None:
    read = load_picture(photo).astype(int)
    assert read.shape == (90, 120, 3)
    assert np.abs(read[5, 5] - (210, 200, 190)).max() < 12
    assert np.abs(read[45, 55] - (20, 30, 90)).max() < 25


@pytest.mark.parametrize(
    ("millions", "length", "info", "fits"),
    [
        (24.5, 700_000, {"bit_depth": 8, "chroma": 420}, True),
        (24.5, 700_000, {"bit_depth": 8}, True),
        (24.5, 700_000, {"bit_depth": 10, "chroma": 420}, True),
        (24.5, 700_000, {"bit_depth": 10, "chroma": 444}, False),
        (48.8, 2_000_000, {"bit_depth": 8, "chroma": 420}, False),
        (48.8, 4_000_000, {"bit_depth": 8, "chroma": 420}, True),
    ],
)
def test_photos_of_phones_fit_and_a_small_file_takes_little(
    millions: float, length: int, info: dict[str, int], fits: bool
) -> None:
    most = most_of_heic(length)
    assert (heic_bytes(round(millions * 1e6), 3, info) <= most) is fits
    assert most <= max(300_000_000, 128 * length)


def test_alpha_and_what_is_not_told_count_in_full() -> None:
    assert heic_bytes(100, 4, {"bit_depth": 8, "chroma": 420}) == 1000
    assert heic_bytes(100, 3, {}) == 1700


def test_a_photo_of_more_than_it_may_take_is_refused(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heic, "FREE", 0)
    monkeypatch.setattr(bounds, "FREE", 4 * 90 * 120)
    monkeypatch.setattr(bounds, "RATIO", 0)
    with pytest.raises(DataError, match=r"photo\.heic claims 120 x 90 pixels"):
        load_picture(photo)


def test_a_photo_that_is_cut_short_is_told_of(photo: Path) -> None:
    content = photo.read_bytes()
    for length in (12, 40, len(content) // 2):
        photo.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"photo\.heic (is|claims)"):
            load_picture(photo)


def test_without_the_library_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    with pytest.raises(DataError, match=r"photo\.heic is a HEIC photo.*mlp-digits\[photos\]"):
        load_picture(path)


@pytest.mark.parametrize(
    ("head", "is_one"),
    [(b"\0\0\0\x18ftypmif1\0", True), (b"\0\0\0\x18ftypavif\0", False), (b"ftyp", False)],
)
def test_a_files_beginning_tells_what_it_is(head: bytes, is_one: bool) -> None:
    file = io.BytesIO(head)
    file.read()
    assert is_heic(file) is is_one
    assert file.tell() == 0
