"""One picture file as grey values, and what a small one that claims to be large may take."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mlp.common.errors import DataError
from mlp.data.formats.pictures import decode


def png(pixels: Any, mode: str | None = None) -> io.BytesIO:
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(file, "PNG")
    file.seek(0)
    return file


def peak_of(*arguments: Any) -> float:
    """Decode, and return the most memory that arrays had meanwhile, in MB."""
    tracemalloc.start()
    try:
        decode(*arguments)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(1, 200_000), (200_000, 1), (3_000, 2_000)])
def test_a_picture_is_scaled_in_memory_of_its_own_size(shape: tuple[int, int]) -> None:
    assert peak_of(png(np.zeros(shape, np.uint8)), "a", 28) < 120


def test_a_transparent_picture_is_laid_on_paper_row_by_row() -> None:
    pixels = np.zeros((2_400, 2_400, 4), np.uint8)
    pixels[500:2_000, 1_400:1_600] = 255
    assert peak_of(png(pixels), "a", 28) < 250


def test_a_long_side_is_averaged_before_it_is_scaled() -> None:
    pixels = np.zeros((3_000, 3_000), np.uint8)
    pixels[:, 1_500:] = 200
    found = decode(png(pixels), "a", 28)
    np.testing.assert_array_equal(found[:, :13], 0)
    np.testing.assert_array_equal(found[:, 15:], 200)


def test_more_pixels_than_so_few_bytes_hold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(np.zeros((6_000, 6_000), np.uint8)).getvalue())
    with pytest.raises(DataError, match="more than a picture holds in so few"):
        decode(path, "a.png", 28)


def test_whatever_a_decoder_raises_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(image: Image.Image) -> None:
        raise IndexError("of a table in it")

    file = png(np.zeros((3, 3), np.uint8))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(DataError, match="cannot be read as a picture"):
        decode(file, "a")
