"""Where the pixels of deformed images are read: by an affine map, and by noise that is smooth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array


def centred_grid(height: int, width: int) -> NDArray[np.float64]:
    """Make the rows (y, x, 1) of all pixels, counted from the middle of the image.

    Returns:
        Shape (height · width, 3).
    """
    y, x = np.mgrid[0:height, 0:width]
    middle = [y - (height - 1) / 2, x - (width - 1) / 2, np.ones((height, width))]
    return np.stack(middle, axis=2).reshape(height * width, 3)


def gaussian(length: int, sigma: float, dtype: str) -> NDArray[Any]:
    """Make the matrix (length, length) that smooths a column, with nothing beyond its ends.

    Args:
        length: of the column.
        sigma: the deviation of the Gaussian, in elements.
        dtype: of the matrix.
    """
    reach = math.ceil(6 * sigma)
    total = sum(math.exp(-0.5 * (d / sigma) ** 2) for d in range(-reach, reach + 1))
    i = np.arange(length, dtype=dtype)
    distance = (i.reshape(length, 1) - i) / sigma
    matrix: NDArray[Any] = np.exp(distance * distance * -0.5) / total
    return matrix


def affine_map(
    xp: Any,
    turn: Array,
    shear: Array,
    taller: Array,
    wider: Array,
    row_of_y: Array,
    column_of_y: Array,
    row_of_x: Array,
    column_of_x: Array,
    sine: Array,
    slope: Array,
) -> None:
    """Write how the row and the column that a pixel (y, x) is read at follow from y and x.

    Its place is scaled by 1 / (1 + taller) and 1 / (1 + wider), then sheared, then turned.
    The last two arrays are scratch.
    """
    xp.sin(turn, out=sine)
    xp.tan(shear, out=slope)
    xp.cos(turn, out=column_of_x)
    xp.multiply(sine, slope, out=row_of_y)
    xp.subtract(column_of_x, row_of_y, out=row_of_y)
    xp.multiply(column_of_x, slope, out=column_of_y)
    xp.add(sine, column_of_y, out=column_of_y)
    xp.negative(sine, out=row_of_x)
    xp.add(taller, 1.0, out=taller)
    xp.add(wider, 1.0, out=wider)
    xp.divide(row_of_y, taller, out=row_of_y)
    xp.divide(column_of_y, taller, out=column_of_y)
    xp.divide(row_of_x, wider, out=row_of_x)
    xp.divide(column_of_x, wider, out=column_of_x)
