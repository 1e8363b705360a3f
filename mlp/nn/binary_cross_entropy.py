"""The binary cross-entropy: how wrong answers to yes-or-no questions are."""

from __future__ import annotations

from typing import Any

from backends import Array
from mlp.nn.activations import sigmoid
from mlp.nn.losses import LOSSES, Loss


@LOSSES.register("binary_cross_entropy")
class BinaryCrossEntropy(Loss):
    """L = -1/N Σ [t log σ(z) + (1 - t) log (1 - σ(z))], on logits z: C yes-or-no questions.

    A single label is asked as one question a class. Source for the stable form: TensorFlow's
    ``sigmoid_cross_entropy_with_logits``, max(z, 0) - z t + log(1 + exp(-|z|)).
    """

    smooths, even = True, 0.5
    learns = frozenset({"multiclass", "binary", "multilabel"})

    def value(self, xp: Any, outputs: Array, targets: Array, kept: Array, loss: Array) -> None:
        """Σ [max(z, 0) - z t + log(1 + exp(-|z|))]."""
        tail, term = kept, self.buffer("term", *outputs.shape)  # (N, C)
        xp.absolute(outputs, out=tail)
        xp.negative(tail, out=tail)
        xp.exp(tail, out=tail)
        xp.log1p(tail, out=tail)  # log(1 + exp(-|z|))
        xp.maximum(outputs, 0.0, out=term)
        xp.add(tail, term, out=tail)
        xp.multiply(outputs, targets, out=term)
        xp.subtract(tail, term, out=tail)
        self.add_up(xp, tail, None, loss)

    def gradient(self, xp: Any, outputs: Array, targets: Array, kept: Array) -> None:
        """σ(z) - t."""
        sigmoid(xp, outputs, kept)  # (N, C)
        xp.subtract(kept, targets, out=kept)
