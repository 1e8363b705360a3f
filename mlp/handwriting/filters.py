"""The few image filters that the pipeline needs, on float32 arrays of shape (height, width)."""

from __future__ import annotations

from typing import TypeVar

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
        plane: float32 or bool, shape (height, width).
        size: of the window, in pixels; odd.
        axis: 0 for a window of rows, 1 for one of columns.

    Returns:
        The same dtype and shape.
    """
    pad = [(0, 0)] * plane.ndim
    pad[axis] = (size // 2, size // 2)
    wide = np.moveaxis(np.pad(plane, pad, mode="edge"), axis, 0)
    reach = 1
    while 2 * reach <= size:
        wide = np.maximum(wide[:-reach], wide[reach:])
        reach *= 2
    if reach < size:
        rest = size - reach
        wide = np.maximum(wide[:-rest], wide[rest:])
    return np.moveaxis(wide, 0, axis)


def closing(plane: Plane, size: int) -> Plane:
    """Fill whatever is darker than its surroundings and narrower than a square.

    Args:
        plane: float32, shape (height, width).
        size: the side of the square, in pixels; odd.

    Returns:
        float32, the same shape.
    """
    grown = sliding_max(sliding_max(plane, size, 0), size, 1)
    return -sliding_max(sliding_max(-grown, size, 0), size, 1)


def smooth(plane: Plane, sigma: float) -> Plane:
    """Blur by a Gaussian that is cut off at 3 σ, edges repeated.

    Args:
        plane: float32, shape (height, width).
        sigma: σ, in pixels.

    Returns:
        float32, the same shape.
    """
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (reach, reach)
        wide = np.moveaxis(np.pad(plane, pad, mode="edge"), axis, 0)
        length = plane.shape[axis]
        blurred = np.zeros_like(wide[:length])
        weighted = np.empty_like(blurred)
        for shift, weight in enumerate(weights.astype(np.float32)):
            blurred += np.multiply(wide[shift : shift + length], weight, out=weighted)
        plane = np.moveaxis(blurred, 0, axis)
    return plane
