"""Filters, beside windows that are looked at one by one."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mlp.handwriting import filters
from mlp.handwriting.filters import (
    bordered,
    closing,
    edged,
    enlarge,
    resize,
    sliding_max,
    slope,
    smooth,
    widened,
)


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


@pytest.mark.parametrize("shape", [(2, 2), (2, 9), (12, 17)])
def test_slope_is_the_gradient(shape):
    plane = np.random.default_rng(3).random(shape).astype(np.float32)
    for axis, expected in enumerate(np.gradient(plane)):
        np.testing.assert_array_equal(slope(plane, axis), expected)


def test_edges_are_repeated_and_borders_are_empty():
    plane = np.random.default_rng(4).random((5, 7)).astype(np.float32)
    np.testing.assert_array_equal(edged(plane, 3, 0), np.pad(plane, ((3, 3), (0, 0)), "edge"))
    np.testing.assert_array_equal(edged(plane, 2, 1), np.pad(plane, ((0, 0), (2, 2)), "edge"))
    np.testing.assert_array_equal(bordered(plane, 2), np.pad(plane, 2))
    np.testing.assert_array_equal(bordered(plane > 0.5, 1), np.pad(plane > 0.5, 1))


def test_a_mask_is_widened_by_a_square():
    mask = np.zeros((9, 11), bool)
    mask[4, 5] = True
    assert np.argwhere(widened(mask, 2)).tolist() == [
        [y, x] for y in range(2, 7) for x in range(3, 8)
    ]


@pytest.mark.parametrize("shape", [(40, 50), (3, 40, 50), (1, 2), (300, 1)])
@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.3])
def test_smooth_adds_up_first_to_last_whatever_fits_a_cache(shape, sigma, monkeypatch):
    plane = np.random.default_rng(5).random(shape).astype(np.float32)
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    expected = plane
    for axis in (-2, -1):
        beside = [(0, 0)] * plane.ndim
        beside[axis] = (reach, reach)
        wide, total = np.pad(expected, beside, "edge"), np.float32(0)
        for shift, weight in enumerate((weights / weights.sum()).astype(np.float32)):
            total = total + weight * wide.take(range(shift, shift + plane.shape[axis]), axis)
        expected = total
    np.testing.assert_array_equal(smooth(plane, sigma), expected)
    monkeypatch.setattr(filters, "_CACHED", 1000)
    np.testing.assert_array_equal(smooth(plane, sigma), expected)


def test_a_plane_of_the_size_is_not_resampled(monkeypatch):
    plane = np.zeros((4, 8), np.float32)
    monkeypatch.setattr(filters.Image, "fromarray", None)
    assert resize(plane, 4, 8, Image.Resampling.BILINEAR) is plane


@pytest.mark.parametrize("size", [(7, 9), (7, 30), (31, 30), (8, 10), (700, 11), (1000, 700)])
@pytest.mark.parametrize("shape", [(7, 9), (1, 5), (2, 2)])
def test_a_plane_is_enlarged_to_the_bit_as_pillow_does(shape, size):
    plane = np.random.default_rng(7).random(shape).astype(np.float32) * 255
    expected = Image.fromarray(plane).resize(size[::-1], Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(enlarge(plane, *size), np.asarray(expected))
