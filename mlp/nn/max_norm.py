"""Max-norm: a limit on how long each unit's incoming weight vector may grow."""

from __future__ import annotations

from backends import Array, Backend


class MaxNorm:
    """Limits the length of each unit's incoming weights: W = W · min(1, c / |W|), by columns.

    Source: Srivastava et al., Dropout (2014), section 5.1.

    Args:
        weights: the matrices W of the layers, each of shape (I, O); updated in place.
        limit: c.
        backend: the device that they live on.
    """

    def __init__(self, weights: list[Array], limit: float, backend: Backend) -> None:
        self.xp, self.weights, self.limit = backend.xp, weights, limit
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
        """Write the sum of the squares of each column of a matrix, shape (O,)."""
        W, square = self.weights[number], self.squares[number]  # (I, O)
        self.xp.multiply(W, W, out=square)
        self.xp.sum(square, axis=0, out=out)
