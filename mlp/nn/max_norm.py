"""Max-norm: a limit on how long each unit's incoming weight vector may grow."""

from __future__ import annotations

import math

from backends import Array, Backend
from mlp.nn.optim import LONGEST

HEADROOM = 36
"""The weights are squared when they are divided by 2**36 times the limit or so. So one may be 1e30
times as large as the limit before its square overflows; and the squares that are too small for a
float32 are of weights below 1e-8 of the limit, which make no column long."""


class MaxNorm:
    """Limits the length of each unit's incoming weights: W = W · min(1, c / |W|), by columns.

    Source: Srivastava et al., Dropout (2014), section 5.1.

    Args:
        weights: the matrices W of the layers, each of shape (I, O); updated in place.
        limit: c.
        backend: the device that they live on.
    """

    def __init__(self, weights: list[Array], limit: float, backend: Backend) -> None:
        self.xp, self.weights = backend.xp, weights
        limit = min(limit, LONGEST)
        # A power of two, which changes no bit of what is not squared.
        self.scale = 2.0 ** -min(math.frexp(limit)[1] + HEADROOM, 126)
        self.limit = self.scale * limit
        self.squares = [self.xp.empty_like(W) for W in weights]  # (I, O)
        self.norms = [self.xp.empty(W.shape[1], dtype=W.dtype) for W in weights]  # (O,)

    def apply(self) -> None:
        """Shorten the columns that an update has made too long."""
        xp = self.xp
        for number, W in enumerate(self.weights):
            norm = self.norms[number]  # (O,)
            self.sum_squares(number, norm)
            xp.sqrt(norm, out=norm)
            xp.maximum(norm, self.limit, out=norm)  # so that short columns keep their length
            xp.divide(self.limit, norm, out=norm)
            xp.multiply(W, norm, out=W)

    def sum_squares(self, number: int, out: Array) -> None:
        """Write the sum of the squares of each column of a matrix times `scale`, shape (O,)."""
        xp, W, square = self.xp, self.weights[number], self.squares[number]  # (I, O)
        xp.multiply(W, self.scale, out=square)
        xp.multiply(square, square, out=square)
        xp.sum(square, axis=0, out=out)
