"""Where pixels begin and end: the values of paper and of ink, found in the images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError

FULL_SCALES = (
    1, 3, 7, 15, 16, 31, 63, 64, 100, 127, 255, 256, 1023, 4095, 8191, 16383, 32767, 65535,
)  # fmt: skip
"""What white may be where pixels are whole numbers from 0: of so many bits, or of habit."""

WIDEST_GAP = 15.0
"""Pixels of two splits whose full scales differ by this factor are not of one range."""

_LEAST = 1e-30  # an image that goes no further is dark, whatever its range

_CHUNK = 8 << 20  # values that are looked at at once


def full_range(values: NDArray[Any], source: str) -> tuple[float, float]:
    """Return the values of paper and of ink, equal where all values are alike.

    Floats that are far from filling 0 to 1 have a range of their own, up to a power of 2.

    Args:
        values: bool, integers or floats, of any shape.
        source: where they are, for the message.

    Raises:
        DataError: if a value is not finite.
    """
    if values.dtype.kind == "b":
        return 0.0, 1.0
    flat, low, high = values.reshape(-1), np.inf, -np.inf
    for start in range(0, len(flat), _CHUNK):
        chunk = flat[start : start + _CHUNK]
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
        if chunk.dtype == np.uint8 and high > 127:
            return 0.0, 255.0  # the other bytes decide nothing
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(f"images of {source} hold values that are missing or infinite: correct it")
    if low == high == 0.0:
        return 0.0, 0.0
    if low < 0:
        return (-1.0, 1.0) if low >= -1 and high <= 1 else (low, high)
    if _LEAST < high < 1 / WIDEST_GAP:  # as where bytes were divided by 255 twice
        return 0.0, 2.0 ** math.ceil(math.log2(high))
    return 0.0, next((float(scale) for scale in FULL_SCALES if high <= scale), high)
