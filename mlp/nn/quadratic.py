"""The quadratic loss: the squares of how far outputs are from their targets."""

from __future__ import annotations

from typing import Any

from backends import Array
from mlp.nn.losses import LOSSES, Loss


@LOSSES.register("quadratic")
class Quadratic(Loss):
    """L = 1/N Σ ½ (a - t)², on the activations a of the last layer.

    Source: Nielsen, Neural Networks and Deep Learning (2015), equation 6.
    """

    def value(self, xp: Any, outputs: Array, targets: Array, kept: Array, loss: Array) -> None:
        """½ Σ (a - t)²; keeps a - t."""
        error = kept
        xp.subtract(outputs, targets, out=error)  # (N, C)
        self.add_up(xp, error, error, loss)
        xp.multiply(loss, 0.5, out=loss)  # (1, 1)

    def gradient(self, xp: Any, outputs: Array, targets: Array, kept: Array) -> None:
        """a - t, which is what `value` kept."""
