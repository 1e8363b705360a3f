"""How many examples a network answers correctly, counted on the device that it computes on."""

from __future__ import annotations

from typing import Any

from backends import Array, Backend, kernel
from mlp.nn.buffers import Buffers
from mlp.nn.by_network import add_up, by_network


class CorrectCount:
    """Counts the examples whose largest output is at their label; of equal outputs, the first.

    Args:
        classes: C, the width of the network's output.
        backend: the device that it computes on.
        dtype: the dtype of the outputs.
        networks: S, how many networks' outputs stand side by side; see `mlp.nn.stack`.

    Attributes:
        total: the count so far, an array of shape (1, 1); of S networks, shape (S, 1).
    """

    def __init__(self, classes: int, backend: Backend, dtype: str, networks: int = 1) -> None:
        self.xp = backend.xp
        self.buffer = Buffers(backend, dtype)
        self.one_hot = self.xp.eye(classes, dtype=dtype)  # (C, C)
        self.total, self._zero = (self.xp.zeros((networks, 1), dtype=dtype) for _ in range(2))
        self._ones = self.xp.ones((classes, 1), dtype=dtype)  # (C, 1)
        self._count = backend.fuse(self.count)

    def reset(self) -> None:
        """Set the count to 0."""
        self.xp.copyto(self.total, self._zero)

    def targets(self, labels: Array) -> Array:
        """Turn labels, integers of shape (N,), into one-hot rows, shape (N, C)."""
        rows = self.buffer("targets", len(labels), len(self.one_hot))
        return self.xp.take(self.one_hot, labels, axis=0, out=rows)

    def add(self, outputs: Array, targets: Array) -> None:
        """Add a batch: outputs, shape (N, C), and one-hot targets, the same shape.

        Of S networks: outputs (N, S·C), and targets of the same shape, or (N, C) for all of them.
        """
        if len(self.total) > 1:
            outputs, targets = by_network(outputs, targets, len(self.total), self.buffer)
        self._count(outputs, targets, self.total)

    @kernel("count_correct")
    def count(self, xp: Any, outputs: Array, targets: Array, total: Array) -> None:
        """total += Σ t · one_hot(argmax a) over the outputs a."""
        N, C = outputs.shape
        answers, rows = self.buffer("answers", N, dtype="int64"), self.buffer("rows", N, C)
        correct = self.buffer("correct", *total.shape)
        xp.argmax(outputs, axis=1, out=answers)  # (N,)
        xp.take(self.one_hot, answers, axis=0, out=rows)  # (N, C)
        add_up(xp, rows, targets, correct, self._ones, self.buffer)
        xp.add(total, correct, out=total)  # (1, 1), or (S, 1)
