"""Small images as arrays: their grids, and their size."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.view.image import as_image, fit, near_square, shrink


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


def test_shrinking_takes_means_of_what_is_there() -> None:
    image = np.array([[0.0, 1.0, np.nan], [2.0, 3.0, 5.0]])
    assert shrink(image, 2, 2).tolist() == [[1.5, 5.0]]
    assert fit(image, 3).tolist()[1] == [2.0, 3.0, 5.0]
