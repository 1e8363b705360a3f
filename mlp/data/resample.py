"""Bilinear resampling of a batch of images on `xp`, one set of positions for each group of images.

The batch is laid out with the images last, so that a pixel of a group is a short contiguous row,
and resampling gathers such rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backends import Array, Backend, kernel
from mlp.nn.buffers import Buffers

GROUP = 16
"""Images that share their positions: a smaller group varies more, a larger one is faster."""


class Warp:
    """Images of one size, laid out in groups, and their pixels at given positions.

    Args:
        height: of an image, in pixels.
        width: of an image, in pixels.
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``, that of the images and of the positions.
    """

    def __init__(self, height: int, width: int, backend: Backend, dtype: str) -> None:
        self.xp, self.buffer = backend.xp, Buffers(backend, dtype)
        self.height, self.width = height, width
        self._locate = backend.fuse(_locate)
        self._weigh = backend.fuse(_weigh)
        self._blend = backend.fuse(_blend)
        size = np.array([[height], [width]], dtype)
        self._size, self._last = backend.asarray(size), backend.asarray(size - 1)  # (2, 1)
        self._first: dict[int, Array] = {}

    def lay_out(self, x: Array, skipped: int, unit: float = 1.0) -> Array:
        """Copy images into groups, with a blank frame one pixel wide around each image.

        Args:
            x: shape (n, height · width), of any dtype.
            skipped: how many images of the first group are not among these.
            unit: what they are multiplied by.

        Returns:
            Shape (height + 2, width + 2, R · GROUP) for R groups; absent images are blank.
        """
        xp, H, W, n = self.xp, self.height, self.width, len(x)
        columns = slice(skipped, skipped + n)
        framed = self.buffer("framed", H + 2, W + 2, -(-columns.stop // GROUP) * GROUP)
        xp.copyto(framed[0], 0.0)
        xp.copyto(framed[-1], 0.0)
        xp.copyto(framed[1:-1, 0], 0.0)
        xp.copyto(framed[1:-1, -1], 0.0)
        xp.copyto(framed[1:-1, 1:-1, :skipped], 0.0)
        xp.copyto(framed[1:-1, 1:-1, columns.stop :], 0.0)
        xp.copyto(framed[1:-1, 1:-1, columns], x.T.reshape(H, W, n))
        if unit != 1.0:
            xp.multiply(framed, unit, out=framed)
        return framed

    def read(self, framed: Array, positions: Array) -> Array:
        """Read each group at its positions; what lies outside of an image is blank.

        Args:
            framed: what `lay_out` returns.
            positions: for each pixel of the result the row and the column, in pixels from the
                first, where each group is read: shape (height · width, 2, R); overwritten.

        Returns:
            Shape (height · width, R · GROUP).
        """
        xp, (P, _, R) = self.xp, positions.shape
        index, weights = self._corners(positions)  # (P, R, 4), (P R, 1, 4)
        corners = self.buffer("corners", P, R, 4, GROUP)
        result = self.buffer("result", P * R, 1, GROUP)
        xp.take(framed.reshape(-1, GROUP), index, axis=0, out=corners)
        self._blend(weights, corners.reshape(P * R, 4, GROUP), result)
        return result.reshape(P, R * GROUP)

    def _corners(self, positions: Array) -> tuple[Array, Array]:
        """Find the four pixels around each position: their rows in the gather, their weights."""
        xp, (P, _, R) = self.xp, positions.shape
        low, fraction = self.buffer("low", P, 2, R), self.buffer("fraction", P, 2, R)
        whole = self.buffer("whole", P, 2, R, dtype="int64")
        corner = self.buffer("corner", P, R, 1, dtype="int64")
        index = self.buffer("index", P, R, 4, dtype="int64")
        weights = self.buffer("weights", P, R, 4)
        self._locate(positions, self._size, self._last, low, fraction)
        self._weigh(fraction[:, 0], fraction[:, 1], *(weights[:, :, k] for k in range(4)))
        xp.copyto(whole, low, casting="unsafe")
        xp.add(whole, 1, out=whole)  # from the frame's first row and column
        xp.multiply(whole[:, 0], self.width + 2, out=whole[:, 0])
        xp.add(whole[:, 0], whole[:, 1], out=corner[:, :, 0])
        xp.multiply(corner, R, out=corner)
        xp.add(corner, self._rows_of_first_pixels(R), out=index)
        return index, weights.reshape(P * R, 1, 4)

    def _rows_of_first_pixels(self, R: int) -> Array:
        """Return the rows of the first four corners in the frames of R groups: shape (R, 4)."""
        if R not in self._first:
            rows = self.xp.zeros((R, 4), dtype="int64")
            for k, pixels in enumerate((0, 1, self.width + 2, self.width + 3)):
                rows[:, k] = self.xp.arange(R) + pixels * R
            self._first[R] = rows
        return self._first[R]


def _locate(
    xp: Any, positions: Array, size: Array, last: Array, low: Array, fraction: Array
) -> None:
    """Split positions into the whole pixel before them, from -1 on, and a rest from 0 to 1."""
    xp.maximum(positions, -1.0, out=positions)
    xp.minimum(positions, size, out=positions)  # beyond lies the frame, which is as blank
    xp.floor(positions, out=low)
    xp.minimum(low, last, out=low)  # so that the pixel after it is in the frame at most
    xp.subtract(positions, low, out=fraction)


def _weigh(xp: Any, down: Array, right: Array, w0: Array, w1: Array, w2: Array, w3: Array) -> None:
    """Write the weights of the corners above left, above right, below left and below right."""
    xp.multiply(down, right, out=w3)
    xp.subtract(down, w3, out=w2)
    xp.subtract(right, w3, out=w1)
    xp.subtract(1.0, down, out=w0)
    xp.subtract(w0, w1, out=w0)


@kernel("weighted_sums")
def _blend(xp: Any, weights: Array, corners: Array, result: Array) -> None:
    """Write the weighted sum of each pixel's corners: (M, 1, 4) times (M, 4, GROUP)."""
    xp.matmul(weights, corners, out=result)
