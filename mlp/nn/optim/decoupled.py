"""Weight decay beside the gradient: the weights shrink by themselves, whatever the gradient is.

Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019), algorithm 2.
"""

from __future__ import annotations

from typing import Any

from backends import Array, Backend
from mlp.nn.optim.optimizer import Optimizer


class Decoupled(Optimizer):
    """An optimizer whose one pass over the parameters shrinks the weights, where it is `decoupled`.

    Args:
        parameters: p, flat, shape (P,); updated in place.
        gradients: g, flat, shape (P,).
        backend: the device that both live on.
        **common: weight decay and clipping; see `Optimizer`.

    Attributes:
        kept: 1 - lr · λ, shape (1,): what a weight is multiplied by, once `prepare` has run.
        parts: which parameters a pass goes over, each with whether they decay.
    """

    def __init__(
        self, parameters: Array, gradients: Array, backend: Backend, **common: Any
    ) -> None:
        super().__init__(parameters, gradients, backend, **common)
        self.kept = self.xp.ones(1, dtype=parameters.dtype)
        self.parts = [(slice(None), False)]
        if self.decoupled and self.weight_decay:
            decayed = len(parameters) if self.decayed is None else self.decayed
            self.parts = [(slice(0, decayed), True)]
            if decayed < len(parameters):
                self.parts.append((slice(decayed, None), False))
        self._prepare_decay = backend.fuse(self.prepare)

    def shrinkage(self) -> None:
        """Write `kept` for this step's learning rate, if weights decay."""
        if self.parts[0][1]:
            self._prepare_decay(self.lr, self.kept)

    def prepare(self, xp: Any, lr: Array, kept: Array) -> None:
        """1 - lr · λ, shape (1,)."""
        xp.multiply(lr, -self.weight_decay, out=kept)
        xp.add(kept, 1.0, out=kept)
