"""Deformed images by one kernel, in the place of some seventy calls; see deform.cu.

It is compiled for images of one size. Each block keeps the fields of a few rows of pixels on chip,
smoothed downwards, and smooths them to the right where it reads them. So images of any height have
a kernel, and of any width of which two rows fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.base import Array
from backends.cuda.source import C_TYPES, THREADS, source

MOST_ROWS = 8
"""The most rows of pixels of a block: what is drawn for a column is used for as many."""

ROOM = 47 << 10
"""Bytes of rows on chip that a block of any GPU may have: 48 KiB, less what else lies there."""


class Deform:
    """The kernels that deform images, compiled at their first use.

    Args:
        cupy: the module.
    """

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._kernels: dict[tuple[Any, ...], Any] = {}

    def reads(self, *given: Any) -> bool:
        """Tell whether a kernel can take what `__call__` would be given."""
        x, deformed, key, most, down, right, _, _, fields, *_ = given
        dtype = deformed.dtype
        return (
            dtype.char in C_TYPES
            and x.dtype in (np.dtype(np.uint8), dtype)
            and all(a.dtype == dtype for a in (most, down, right))
            and all(a.flags.c_contiguous for a in (x, deformed, most, down, right))
            and key.dtype == np.uint32
            and rows_of_a_block(len(down), len(right), fields, dtype.itemsize) > 0
        )

    def __call__(
        self,
        x: Array,
        deformed: Array,
        key: Array,
        most: Array,
        down: Array,
        right: Array,
        first: int,
        group: int,
        fields: int,
        unit: float,
        thickness: float,
    ) -> None:
        """Deform images; see `mlp.data.augment.Deformation.deform` for the arguments."""
        dtype, height, width = deformed.dtype, len(down), len(right)
        before, skipped = divmod(first, group)
        rows = rows_of_a_block(height, width, fields, dtype.itemsize)
        blocks = -(-(skipped + len(x)) // group) * -(-height // rows)
        name = "deform_bytes" if x.dtype == np.uint8 else "deform_floats"
        draws = 7 + fields * height * width
        constants = {
            "HEIGHT": height, "WIDTH": width, "ROWS": rows, "FIELDS": fields,
            "THICKENS": int(thickness > 0.0),
        }  # fmt: skip
        sizes = np.int32(len(x)), np.int32(group), np.int32(skipped)
        ahead, numbers = np.int64(before * draws % 2**32), map(dtype.type, (unit, thickness))
        arguments = *sizes, ahead, *numbers, key, most, down, right, x, deformed
        self._kernel(name, dtype, constants)((blocks,), (THREADS,), arguments)

    def _kernel(self, name: str, dtype: np.dtype[Any], constants: dict[str, int]) -> Any:
        key = name, dtype.char, *constants.values()
        if key not in self._kernels:
            code = source(dtype, "deform.cu", THREADS=THREADS, **constants)
            self._kernels[key] = self._cupy.RawKernel(code, name)
        return self._kernels[key]


def rows_of_a_block(height: int, width: int, fields: int, itemsize: int) -> int:
    """Return how many rows of an image a block deforms: alike in all blocks, as far as it goes.

    Args:
        height: of an image, in pixels.
        width: of an image, in pixels.
        fields: 2 where they are elastic, else 0.
        itemsize: the bytes of a number.

    Returns:
        0 where not even one row fits.
    """
    most = min(MOST_ROWS, ROOM // (fields * width * itemsize)) if fields else MOST_ROWS
    return -(-height // -(-height // most)) if most else 0
