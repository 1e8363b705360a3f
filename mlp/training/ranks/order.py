"""The order in which the ranks of a machine see an epoch's images, held once for all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp.training.ranks.ranks import Ranks

BLOCK = 1 << 20
"""Places that are numbered at a time."""


class SharedOrder:
    """The order of the present epoch: the one that a process alone draws, from the same numbers.

    Args:
        ranks: who trains together.
        N: the training images, of the whole world.
    """

    def __init__(self, ranks: Ranks, N: int) -> None:
        self._ranks, self._N = ranks, N
        self._order: NDArray[np.int64] | None = None

    def next(self, shuffler: np.random.Generator | None) -> NDArray[np.int64]:
        """Return an epoch's order, shape (N,), when it is there for all ranks; all call this.

        The former one is gone. Of a machine's ranks the first draws, and all have its state then.

        Args:
            shuffler: draws; None leaves the images as they lie.
        """
        if self._order is None:
            self._order = self._ranks.zeros(self._N, np.dtype(np.int64))
        if self._order.flags.writeable:
            for start in range(0, self._N, BLOCK):
                stop = min(start + BLOCK, self._N)
                self._order[start:stop] = np.arange(start, stop)
            if shuffler is not None:
                shuffler.shuffle(self._order)  # as `permutation` does with an array of its own
        state = shuffler.bit_generator.state if shuffler is not None else None
        state = self._ranks.broadcast(state)
        if shuffler is not None and state is not None:
            shuffler.bit_generator.state = state
        return self._order
