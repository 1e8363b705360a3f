"""Numbers as pictures: their grids, and files that others read."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from mlp.common.pictures import (
    NEGATIVE,
    POSITIVE,
    as_image,
    mosaic,
    near_square,
    png,
    signed_on_paper,
)


@pytest.mark.parametrize(
    ("count", "grid"),
    [
        (1, (1, 1)),
        (2, (1, 2)),
        (7, (3, 3)),
        (10, (3, 4)),
        (32, (4, 8)),
        (36, (6, 6)),
        (112, (8, 14)),
        (784, (28, 28)),
    ],
)
def test_grids_are_as_square_as_the_size_allows(count: int, grid: tuple[int, int]) -> None:
    assert near_square(count) == grid


def test_every_value_has_its_place_in_the_grid() -> None:
    for count in range(1, 200):
        image = as_image(np.arange(count))
        there = image[np.isfinite(image)]
        assert there.tolist() == list(range(count))
        assert max(image.shape) <= 2 * min(image.shape)


def test_the_given_shape_is_taken_where_it_fills() -> None:
    assert as_image(np.zeros(12), (6, 2)).shape == (6, 2)
    assert as_image(np.zeros(12), (5, 2)).shape == (3, 4)


@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (3, 7), (5, 2, 3)])
def test_pillow_reads_the_pixels_of_a_png_back(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with PIL.Image.open(io.BytesIO(png(pixels))) as read:
        read.verify()
    with PIL.Image.open(io.BytesIO(png(pixels))) as read:
        np.testing.assert_array_equal(np.asarray(read), pixels)


def test_the_signs_have_their_colours_on_white() -> None:
    colours = signed_on_paper(np.array([[-1.0, 0.0, 1.0, np.nan]]))
    assert colours.tolist() == [[list(NEGATIVE), [255] * 3, list(POSITIVE), [255] * 3]]


def test_a_mosaic_keeps_images_one_pixel_apart() -> None:
    whole = mosaic([np.full((2, 3), float(k)) for k in range(3)], 2)
    assert whole.shape == (5, 7)
    assert whole[0, 2] == 0
    assert np.isnan(whole[:, 3]).all()
    assert np.isnan(whole[2]).all()
    assert (whole[:2, 4:] == 1).all()
    assert (whole[3:, :3] == 2).all()
