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
    """Resample to (height, width); every method of Pillow antialiases when it shrinks."""
    return np.asarray(Image.fromarray(plane).resize((width, height), how))


def sliding_max(plane: Pixels, size: int, axis: int) -> Pixels:
    """The maximum over a centred window of odd ``size`` along ``axis``, edges repeated.

    Windows of 1, 2, 4, ... are merged, so the cost grows with log2(size).
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
    """Fill whatever is darker than its surroundings and narrower than a square of odd ``size``."""
    grown = sliding_max(sliding_max(plane, size, 0), size, 1)
    return -sliding_max(sliding_max(-grown, size, 0), size, 1)


def smooth(plane: Plane, sigma: float) -> Plane:
    """A Gaussian blur of ``sigma`` pixels, cut off at three of them, edges repeated."""
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (reach, reach)
        wide = np.moveaxis(np.pad(plane, pad, mode="edge"), axis, 0)
        length = plane.shape[axis]
        blurred = np.zeros_like(wide[:length])
        for shift, weight in enumerate(weights.astype(np.float32)):
            blurred += weight * wide[shift : shift + length]
        plane = np.moveaxis(blurred, 0, axis)
    return plane
