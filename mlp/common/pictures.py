"""Numbers as small pictures: their grids, their scale, their two colours, and PNG files of them.

Everywhere here NaN is a pixel that is not there.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Image = NDArray[np.float64]
"""Shape (height, width)."""

RGB = tuple[int, int, int]

NEGATIVE: RGB = (70, 140, 255)
POSITIVE: RGB = (255, 140, 30)
"""Blue and orange, which the colour-blind tell apart too."""

ROBUST = 99.0
"""The percentile of the absolute values that full colour stands for: one outlier dims nothing."""


def near_square(count: int, longest: float = 2.0) -> tuple[int, int]:
    """Choose the rows and columns of a grid, as square as ``count`` allows: 36 gives (6, 6).

    An exact grid that is at most ``longest`` times as wide as high is preferred, such as 4 x 8
    for 32; else the last row has gaps, such as 3 x 4 for 10.
    """
    rows = next(r for r in range(int(count**0.5), 0, -1) if count % r == 0)
    if count <= longest * rows**2:
        return rows, count // rows
    columns = int(np.ceil(count**0.5))
    return -(-count // columns), columns


def as_image(values: ArrayLike, shape: tuple[int, int] | None = None) -> Image:
    """Arrange n values in rows: in that shape where they fill it, else as square as may be."""
    flat = np.asarray(values, np.float64).ravel()  # (n,)
    rows, columns = shape if shape and shape[0] * shape[1] == flat.size else near_square(flat.size)
    image = np.full(rows * columns, np.nan)
    image[: flat.size] = flat
    return image.reshape(rows, columns)


def robust_maximum(values: ArrayLike) -> float:
    """Return the 99th percentile of the absolute values, or the largest where that is 0.

    Values that are not finite do not count; of none, it is 0.
    """
    sizes = np.abs(np.asarray(values, np.float64))
    sizes = sizes[np.isfinite(sizes)]
    if not sizes.size:
        return 0.0
    return float(np.percentile(sizes, ROBUST)) or float(sizes.max())


def scaled(values: ArrayLike, maximum: float) -> NDArray[np.float64]:
    """Divide by ``maximum``, and cut off what is then beyond -1 and 1; NaN stays."""
    values = np.asarray(values, np.float64)
    if maximum == 0.0:
        return np.where(np.isnan(values), np.nan, 0.0)
    result: NDArray[np.float64] = np.clip(values, -maximum, maximum) / maximum  # never overflows
    return result


def signed_on_paper(image: Image) -> NDArray[np.uint8]:
    """Colour values from -1 to 1, shape (H, W): blue, white and orange, shape (H, W, 3)."""
    share = np.abs(np.nan_to_num(image))[..., None]  # (H, W, 1)
    ends = np.where(np.nan_to_num(image)[..., None] > 0, POSITIVE, NEGATIVE)  # (H, W, 3)
    colours: NDArray[np.uint8] = np.round(255 + share * (ends - 255.0)).astype(np.uint8)
    return colours


def mosaic(images: Sequence[Image], columns: int) -> Image:
    """Lay images of one size out in rows, one NaN pixel apart."""
    height, width = images[0].shape
    rows = -(-len(images) // columns)
    whole = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for k, image in enumerate(images):
        top, left = k // columns * (height + 1), k % columns * (width + 1)
        whole[top : top + height, left : left + width] = image
    return whole


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Write pixels as a PNG file (ISO/IEC 15948).

    Args:
        pixels: grey of shape (H, W), or red, green and blue of shape (H, W, 3).
    """
    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)  # 0: not filtered
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
