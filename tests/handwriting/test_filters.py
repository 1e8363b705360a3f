"""Filters, beside windows that are looked at one by one."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mlp.handwriting.filters import closing, resize, sliding_max, smooth


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("size", [1, 3, 5, 9, 31])
def test_sliding_max_is_the_maximum_of_each_window(size, axis):
    plane = np.random.default_rng(size).random((12, 17)).astype(np.float32)
    reach = size // 2
    expected = np.empty_like(plane)
    for row, column in np.ndindex(*plane.shape):
        at = [row, column]
        window = np.arange(at[axis] - reach, at[axis] + reach + 1).clip(0, plane.shape[axis] - 1)
        expected[row, column] = plane.take(window, axis)[
            (slice(None), column) if axis == 0 else (row, slice(None))
        ].max()
    np.testing.assert_array_equal(sliding_max(plane, size, axis), expected)


def test_closing_fills_what_is_narrower_than_its_window():
    plane = np.full((20, 20), 0.9, np.float32)
    plane[:, 8:11] = 0.2
    np.testing.assert_array_equal(closing(plane, 5), np.full((20, 20), 0.9, np.float32))
    np.testing.assert_array_equal(closing(plane, 3), plane)


def test_smooth_spreads_a_point_as_a_normal_distribution():
    plane = np.zeros((31, 31), np.float32)
    plane[15, 15] = 1
    blurred = smooth(plane, 2.0)
    assert float(blurred.sum()) == pytest.approx(1, rel=1e-5)
    away = np.arange(31) - 15
    assert float((blurred.sum(axis=0) * away**2).sum()) == pytest.approx(4, rel=0.05)
    np.testing.assert_allclose(smooth(np.full((5, 6), 0.3, np.float32), 3.0), 0.3, rtol=1e-5)


def test_resize_takes_rows_first():
    plane = np.zeros((4, 8), np.float32)
    assert resize(plane, 2, 3, Image.Resampling.BOX).shape == (2, 3)
