"""The focal loss: cross-entropy in which what is answered well already counts for less."""

from __future__ import annotations

from typing import Any

from backends import Array, Backend
from mlp.common.errors import UsageError
from mlp.nn.losses import LOSSES, Loss

LEAST = 1e-30
"""The least 1 - p that is divided by, a normal number in float32: where p is 1, log p is 0."""


@LOSSES.register("focal")
class Focal(Loss):
    """L = -1/N Σ t · (1 - p)^γ log p with p = softmax(z), on logits z.

    Source: Lin, Goyal, Girshick, He and Dollár, Focal Loss for Dense Object Detection (2017),
    equation 4, with the softmax in place of their sigmoid; with γ = 0 it is the cross-entropy.

    Args:
        classes: C, the width of the network's output.
        backend: the device that it computes on.
        dtype: the dtype of the outputs.
        gamma: γ, at least 0.
    """

    smooths = True

    def __init__(self, classes: int, backend: Backend, dtype: str, *, gamma: float = 2.0) -> None:
        if not gamma >= 0:
            raise UsageError(f"the gamma of focal must be at least 0, not {gamma:g}")
        self.gamma = gamma
        super().__init__(classes, backend, dtype)
        self._lose, self._derive = backend.fuse(self.lose), backend.fuse(self.derive)

    def value(self, xp: Any, outputs: Array, targets: Array, kept: Array, loss: Array) -> None:
        """-Σ t · q^γ log p, with q = 1 - p; keeps p."""
        N, C = outputs.shape
        p, row, log_p = kept, self.buffer("row", N, 1), self.buffer("log p", N, C)
        power, term = self.buffer("power", N, C), self.buffer("term", N, C)
        xp.max(outputs, axis=1, keepdims=True, out=row)  # (N, 1)
        xp.subtract(outputs, row, out=log_p)  # (N, C)
        xp.exp(log_p, out=p)
        xp.sum(p, axis=1, keepdims=True, out=row)
        xp.divide(p, row, out=p)  # softmax(z)
        xp.log(row, out=row)
        xp.subtract(log_p, row, out=log_p)
        self._lose(p, log_p, power, term)
        self.add_up(xp, term, targets, loss)

    def gradient(self, xp: Any, outputs: Array, targets: Array, kept: Array) -> None:
        """s - p Σ s over the classes, with s = t · q^γ (γ p log p / q - 1)."""
        N, C = outputs.shape
        p, row, term = kept, self.buffer("row", N, 1), self.buffer("term", N, C)
        s, power = self.buffer("log p", N, C), self.buffer("power", N, C)  # from `value`
        self._derive(p, s, power, targets, term)
        xp.sum(s, axis=1, keepdims=True, out=row)  # (N, 1)
        xp.multiply(p, row, out=p)
        xp.subtract(s, p, out=p)

    def lose(self, xp: Any, p: Array, log_p: Array, power: Array, term: Array) -> None:
        """power = q^γ and term = -q^γ log p, with q = 1 - p, and at least `LEAST`; all (N, C)."""
        xp.subtract(1.0, p, out=power)
        xp.maximum(power, LEAST, out=power)
        xp.log(power, out=power)
        xp.multiply(power, self.gamma, out=power)
        xp.exp(power, out=power)
        xp.multiply(power, log_p, out=term)
        xp.negative(term, out=term)

    def derive(
        self, xp: Any, p: Array, log_p: Array, power: Array, targets: Array, term: Array
    ) -> None:
        """Turn log p into s = t · q^γ (γ p log p / q - 1), all of shape (N, C)."""
        s = log_p
        xp.subtract(1.0, p, out=term)
        xp.maximum(term, LEAST, out=term)
        xp.divide(p, term, out=term)
        xp.multiply(s, term, out=s)
        xp.multiply(s, self.gamma, out=s)
        xp.subtract(s, 1.0, out=s)
        xp.multiply(s, power, out=s)
        xp.multiply(s, targets, out=s)
