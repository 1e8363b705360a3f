"""Max-norm: a limit on how long each unit's incoming weight vector may grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from backends import Array, Backend


class MaxNorm:
    """Limits the length of each unit's incoming weights: W = W · min(1, c / |W|), by columns.

    Source: Srivastava et al., Dropout (2014), section 5.1.

    Args:
        weights: the matrices W of the layers, each of shape (I, O); updated in place.
        limit: c.
        backend: the device that they live on.
        add_up: for a matrix of which the rows are shared out, by its place in the list: what adds
            (O,) numbers up over all shares.
    """

    def __init__(
        self,
        weights: list[Array],
        limit: float,
        backend: Backend,
        add_up: Mapping[int, Callable[[Array, Array], Array]] = MappingProxyType({}),
    ) -> None:
        self.xp, self.weights, self.limit, self.add_up = backend.xp, weights, limit, add_up
        self.squares = [self.xp.empty_like(W) for W in weights]  # (I, O)
        self.norms = [self.xp.empty(W.shape[1], dtype=W.dtype) for W in weights]  # (O,)

    def apply(self) -> None:
        """Shorten what a step has made too long."""
        xp = self.xp
        for i, (W, square, norm) in enumerate(
            zip(self.weights, self.squares, self.norms, strict=True)
        ):
            xp.multiply(W, W, out=square)
            xp.sum(square, axis=0, out=norm)
            if i in self.add_up:
                self.add_up[i](norm, norm)
            xp.sqrt(norm, out=norm)
            xp.maximum(norm, self.limit, out=norm)  # so that short columns keep their length
            xp.divide(self.limit, norm, out=norm)
            xp.multiply(W, norm, out=W)
