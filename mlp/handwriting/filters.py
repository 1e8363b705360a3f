"""The few image filters that the pipeline needs, on float32 arrays of shape (height, width)."""

from __future__ import annotations

from functools import lru_cache
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
        float32, shape (height, width); the plane itself if it has that shape.
    """
    if plane.shape == (height, width):
        return plane
    return np.asarray(Image.fromarray(plane).resize((width, height), how))


def enlarge(plane: Plane, height: int, width: int) -> Plane:
    """Resample bilinearly to a larger size: Pillow's bits, in half of its time.

    Args:
        plane: float32, shape (rows, columns).
        height: of the result, in pixels; ``rows`` or more.
        width: of the result, in pixels; ``columns`` or more.

    Returns:
        float32, shape (height, width); the plane itself if it has that shape.
    """
    rows = len(plane)
    wide = resize(plane, rows, width, Image.Resampling.BILINEAR)
    if rows == height:
        return wide
    source = wide.astype(np.float64)  # (rows, width)
    centres = (np.arange(height) + 0.5) * (rows / height)
    upper = np.maximum((centres - 0.5).astype(np.intp), 0)  # (height,)
    lower = np.minimum(upper + 1, rows - 1)
    shares = [1 - np.abs(row - centres + 0.5) for row in (upper, upper + 1)]
    shares[1][(centres + 1.5).astype(np.intp) < upper + 2] = 0  # beside the first row's middle
    shares[1][upper + 1 >= rows] = 0  # or the last one's
    larger = np.empty((height, width), np.float32)
    step = max(1, _CACHED // (4 * width))
    for top in range(0, height, step):
        band = slice(top, top + step)
        mixed = source[upper[band]]  # (step, width)
        mixed *= (shares[0] / (shares[0] + shares[1]))[band, None]
        other = source[lower[band]]
        other *= (shares[1] / (shares[0] + shares[1]))[band, None]
        larger[band] = np.add(mixed, other, out=mixed)
    return larger


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


def widened(mask: Mask, margin: int) -> Mask:
    """The pixels that lie in a square of ``margin`` pixels around one of the mask.

    Args:
        mask: bool, shape (height, width).
        margin: in pixels.

    Returns:
        bool, the same shape.
    """
    size = 2 * margin + 1
    return sliding_max(sliding_max(mask, size, 0), size, 1)


def smooth(plane: Plane, sigma: float) -> Plane:
    """Blur by a Gaussian that is cut off at 3 σ, edges repeated.

    Args:
        plane: float32, shape (..., height, width).
        sigma: σ, in pixels.

    Returns:
        float32, the same shape.
    """
    weights = _bell(sigma)
    reach = len(weights) // 2
    tall = edged(plane, reach, 0)
    height = plane.shape[-2]
    blurred = np.empty(plane.shape, np.float32)
    rows = max(1, _CACHED * height // (plane.size * len(weights)))  # that stay in a core's cache
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = edged(_weigh(tall, weights, 0, top, bottom), reach, 1)
        blurred[..., top:bottom, :] = _weigh(band, weights, 1, 0, plane.shape[-1])
    return blurred


_CACHED = 1 << 17
"""Products of pixels and weights that are made at a time."""


@lru_cache(maxsize=32)
def _bell(sigma: float) -> NDArray[np.float32]:
    """The weights of a Gaussian, which add up to 1."""
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    bell: NDArray[np.float32] = (weights / weights.sum()).astype(np.float32)
    return bell


def _weigh(wide: Plane, weights: NDArray[np.float32], axis: int, start: int, stop: int) -> Plane:
    """Add up the pixels of windows along an axis, from one to another, each times its weight."""
    shape, step = list(wide.shape), wide.strides[axis - 2]
    shape[axis - 2] = stop - start
    windows: Plane = np.ndarray(
        (len(weights), *shape), wide.dtype, wide, start * step, (step, *wide.strides)
    )
    weighted = np.multiply(windows, weights.reshape(-1, *[1] * wide.ndim), order="C")
    total: Plane = np.add.reduce(weighted, axis=0)
    return total


def _merge_windows(extreme: np.ufunc, plane: Pixels, size: int, axis: int) -> Pixels:
    wide = edged(plane, size // 2, axis)
    reach = 1
    while 2 * reach <= size:
        wide = extreme(wide[_along(axis, 0, -reach)], wide[_along(axis, reach, None)])
        reach *= 2
    if reach < size:
        rest = size - reach
        wide = extreme(wide[_along(axis, 0, -rest)], wide[_along(axis, rest, None)])
    return wide


def edged(plane: Pixels, reach: int, axis: int) -> Pixels:
    """Repeat the pixels at both ends of an axis, as `numpy.pad` does in 40 µs a call and more.

    Args:
        plane: float32 or bool, shape (..., height, width).
        reach: how often, at each end.
        axis: 0 for rows, 1 for columns.

    Returns:
        The same dtype, longer by ``2 * reach`` along the axis.
    """
    shape = list(plane.shape)
    length = shape[axis - 2]
    shape[axis - 2] += 2 * reach
    wide = np.empty(shape, plane.dtype)
    wide[_along(axis, 0, reach)] = plane[_along(axis, 0, 1)]
    wide[_along(axis, reach, reach + length)] = plane
    wide[_along(axis, reach + length, None)] = plane[_along(axis, length - 1, length)]
    return wide


def bordered(plane: Pixels, margin: int) -> Pixels:
    """Put so many rows and columns of 0 around a plane.

    Args:
        plane: float32 or bool, shape (height, width).
        margin: on each side.

    Returns:
        The same dtype, shape (height + 2 margin, width + 2 margin).
    """
    height, width = plane.shape
    wide = np.zeros((height + 2 * margin, width + 2 * margin), plane.dtype)
    wide[margin : margin + height, margin : margin + width] = plane
    return wide


def slope(plane: Plane, axis: int) -> Plane:
    """Return half the difference of each pixel's two neighbours along an axis.

    At both ends it is the difference to the one neighbour, as `numpy.gradient` has it.

    Args:
        plane: float32, shape (height, width), 2 or more along the axis.
        axis: 0 for how much it rises downwards, 1 for to the right.

    Returns:
        float32, the same shape.
    """
    rise = np.empty_like(plane)
    values, rises = plane.swapaxes(0, axis), rise.swapaxes(0, axis)
    np.subtract(values[2:], values[:-2], out=rises[1:-1])
    rises[1:-1] /= 2
    np.subtract(values[1], values[0], out=rises[0])
    np.subtract(values[-1], values[-2], out=rises[-1])
    return rise


def _along(axis: int, start: int, stop: int | None) -> tuple[Any, ...]:
    """Index rows (axis 0) or columns (axis 1)."""
    return (..., slice(start, stop), *[slice(None)] * (1 - axis))
