"""How many examples a network reads right, counted on the device that it computes on."""

from __future__ import annotations

from typing import Any

from backends import Array, Backend
from mlp.nn.buffers import Buffers


class Hits:
    """The number of examples whose largest output, the first of equals, is at their label.

    Args:
        classes: C, the width of the network's output.
        backend: the device that it computes on.
        dtype: the dtype of the outputs.

    Attributes:
        total: the number so far, an array of shape (1, 1).
    """

    def __init__(self, classes: int, backend: Backend, dtype: str) -> None:
        self.xp = backend.xp
        self.buffer = Buffers(backend, dtype)
        self.one_hot = self.xp.eye(classes, dtype=dtype)  # (C, C)
        self.total = self.xp.zeros((1, 1), dtype=dtype)

    def add(self, outputs: Array, t: Array) -> None:
        """Count a batch of outputs (N, C) whose targets t (N, C) are one-hot rows."""
        self.count(self.xp, outputs, t, *self.arrays(*t.shape))

    @staticmethod
    def count(xp: Any, outputs: Array, t: Array, *arrays: Array) -> None:
        """Add Σ t · one_hot(argmax a) over the outputs a to the last of the arrays of `arrays`."""
        one_hot, read, rows, count, total = arrays
        xp.argmax(outputs, axis=1, out=read)  # (N,)
        xp.take(one_hot, read, axis=0, out=rows)  # (N, C)
        xp.matmul(rows.reshape(1, -1), t.reshape(-1, 1), out=count)
        xp.add(total, count, out=total)  # (1, 1)

    def arrays(self, N: int, C: int) -> tuple[Array, ...]:
        """Return what `count` takes after the targets: scratch, and the total."""
        read, rows = self.buffer("read", N, dtype="int64"), self.buffer("rows", N, C)
        return self.one_hot, read, rows, self.buffer("count", 1, 1), self.total
