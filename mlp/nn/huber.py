"""Huber's loss: squared for small errors, linear for large ones, so that no outlier rules."""

from __future__ import annotations

from typing import Any

from backends import Array, Backend
from mlp.common.errors import UsageError
from mlp.nn.losses import LOSSES, Loss


@LOSSES.register("huber")
class Huber(Loss):
    """L = 1/N Σ h(a - t), with h(e) = ½ e² where |e| <= δ, else δ (|e| - ½ δ).

    Source: Huber, Robust Estimation of a Location Parameter (1964), section 4, example (iii).

    Args:
        classes: C, the width of the network's output.
        backend: the device that it computes on.
        dtype: the dtype of the outputs.
        delta: δ, from which error on it is linear; above 0.
    """

    def __init__(self, classes: int, backend: Backend, dtype: str, *, delta: float = 1.0) -> None:
        if not delta > 0:
            raise UsageError(f"the delta of huber must be above 0, not {delta:g}")
        self.delta = delta
        super().__init__(classes, backend, dtype)

    def value(self, xp: Any, outputs: Array, targets: Array, kept: Array, loss: Array) -> None:
        """Σ c (e - ½ c), with c the error e = a - t cut to ± δ, which is kept."""
        cut, error = kept, self.buffer("error", *outputs.shape)  # (N, C)
        xp.subtract(outputs, targets, out=error)
        xp.clip(error, -self.delta, self.delta, out=cut)
        half = self.buffer("half", *outputs.shape)  # (N, C)
        xp.multiply(cut, 0.5, out=half)
        xp.subtract(error, half, out=error)
        self.add_up(xp, error, cut, loss)  # (1, 1)

    def gradient(self, xp: Any, outputs: Array, targets: Array, kept: Array) -> None:
        """The error cut to ± δ, which is what `value` kept."""
