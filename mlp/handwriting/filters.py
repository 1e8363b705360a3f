"""The few image filters that the pipeline needs, on float32 arrays of shape (height, width)."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
Pixels = TypeVar("Pixels", Plane, Mask)


def resize(plane: Plane, height: int, width: int, how: Image.Resampling) -> Plane:
    """Resample to another size; every method of Pillow antialiases when it shrinks.

    Args:
        plane: float32, shape (rows, columns).
        height: of the result, in pixels.
        width: of the result, in pixels.
        how: Pillow's method.

    Returns:
        float32, shape (height, width).
    """
    return np.asarray(Image.fromarray(plane).resize((width, height), how))


def sliding_max(plane: Pixels, size: int, axis: int) -> Pixels:
    """Take the maximum over a centred window along one axis, edges repeated.

    Windows of 1, 2, 4, ... are merged, so the cost grows with log2(size).

    Args:
        plane: float32 or bool, shape (..., height, width).
        size: of the window, in pixels; odd.
        axis: 0 for a window of rows, 1 for one of columns.

    Returns:
        The same dtype and shape.
    """
    return _merge_windows(np.maximum, plane, size, axis)


def sliding_min(plane: Pixels, size: int, axis: int) -> Pixels:
    """The same with the minimum; see :func:`sliding_max`."""
    return _merge_windows(np.minimum, plane, size, axis)


def closing(plane: Plane, size: int) -> Plane:
    """Fill whatever is darker than its surroundings and narrower than a square.

    Args:
        plane: float32, shape (..., height, width).
        size: the side of the square, in pixels; odd.

    Returns:
        float32, the same shape.
    """
    grown = sliding_max(sliding_max(plane, size, 0), size, 1)
    return sliding_min(sliding_min(grown, size, 0), size, 1)


def smooth(plane: Plane, sigma: float) -> Plane:
    """Blur by a Gaussian that is cut off at 3 σ, edges repeated.

    Args:
        plane: float32, shape (..., height, width).
        sigma: σ, in pixels.

    Returns:
        float32, the same shape.
    """
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    tall = _edged(plane, reach, 0)
    blurred = np.empty(plane.shape, np.float32)
    rows = max(1, _CACHED * plane.shape[-2] // plane.size)  # as many as stay in a core's cache
    for top in range(0, plane.shape[-2], rows):
        band = _weigh(tall[..., top : top + rows + 2 * reach, :], weights, 0)
        blurred[..., top : top + rows, :] = _weigh(_edged(band, reach, 1), weights, 1)
    return blurred


_CACHED = 1 << 15
"""Pixels that are blurred at a time."""


def _weigh(wide: Plane, weights: NDArray[np.float32], axis: int) -> Plane:
    """Add up the pixels of each window along an axis, each times its weight."""
    length = wide.shape[axis - 2] - len(weights) + 1
    windows = [wide[_along(axis, shift, shift + length)] for shift in range(len(weights))]
    total: Plane = np.multiply(windows[0], weights[0])
    weighted = np.empty_like(total)
    for window, weight in zip(windows[1:], weights[1:], strict=True):
        total += np.multiply(window, weight, out=weighted)
    return total


def _merge_windows(extreme: np.ufunc, plane: Pixels, size: int, axis: int) -> Pixels:
    wide = _edged(plane, size // 2, axis)
    reach = 1
    while 2 * reach <= size:
        wide = extreme(wide[_along(axis, 0, -reach)], wide[_along(axis, reach, None)])
        reach *= 2
    if reach < size:
        rest = size - reach
        wide = extreme(wide[_along(axis, 0, -rest)], wide[_along(axis, rest, None)])
    return wide


def _edged(plane: Pixels, reach: int, axis: int) -> Pixels:
    """Repeat the pixels at both ends of an axis, as `numpy.pad` does in 40 µs a call and more."""
    shape = list(plane.shape)
    length = shape[axis - 2]
    shape[axis - 2] += 2 * reach
    wide = np.empty(shape, plane.dtype)
    wide[_along(axis, 0, reach)] = plane[_along(axis, 0, 1)]
    wide[_along(axis, reach, reach + length)] = plane
    wide[_along(axis, reach + length, None)] = plane[_along(axis, length - 1, length)]
    return wide


def _along(axis: int, start: int, stop: int | None) -> tuple[Any, ...]:
    """Index rows (axis 0) or columns (axis 1)."""
    return (..., slice(start, stop), *[slice(None)] * (1 - axis))
