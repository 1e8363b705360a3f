"""Lion: steps of one length in every coordinate, by the sign of a mean gradient."""

from __future__ import annotations

from typing import Any, ClassVar

from backends import Array, Backend, scratch
from mlp.nn.optim.decoupled import Decoupled
from mlp.nn.optim.optimizer import OPTIMIZERS, require_share


@OPTIMIZERS.register("lion")
class Lion(Decoupled):
    """Evolved sign momentum, with weight decay beside the gradient.

        p = (1 - lr λ) p - lr · sign(β₁ m + (1 - β₁) g),    m = β₂ m + (1 - β₂) g

    Kept is the sum M = m / (1 - β₂), as sums take no factor; a sign does not see one.

    Source: Chen et al., Symbolic Discovery of Optimization Algorithms (2023), algorithm 2.

    Args:
        parameters: p, flat, shape (P,); updated in place.
        gradients: g, flat, shape (P,).
        backend: the device that both live on.
        beta1: β₁, from 0 to below 1.
        beta2: β₂, the same.
        **common: weight decay and clipping; see `Optimizer`.

    Attributes:
        state: ``sums``, M of shape (P,).

    Raises:
        UsageError: if a number is out of its range.
    """

    usual_lr: ClassVar[float] = 0.0001
    decoupled: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Array,
        gradients: Array,
        backend: Backend,
        *,
        beta1: float = 0.9,
        beta2: float = 0.99,
        **common: Any,
    ) -> None:
        super().__init__(parameters, gradients, backend, **common)
        self.beta1, self.beta2 = require_share("beta1", beta1), require_share("beta2", beta2)
        self.state["sums"] = self.xp.zeros_like(parameters)
        self._descend = backend.fuse(self.descend)

    def update(self) -> None:
        p, g, M, scratch = self.parameters, self.gradients, self.state["sums"], self.scratch
        self.shrinkage()
        for part, decays in self.parts:
            self._descend(p[part], g[part], M[part], scratch[part], self.lr, self.kept, decays)

    @scratch("g", "scratch")
    def descend(
        self,
        xp: Any,
        p: Array,
        g: Array,
        M: Array,
        scratch: Array,
        lr: Array,
        kept: Array,
        decays: bool,
    ) -> None:
        """p = kept · p - lr · sign(β₁ (1 - β₂) M + (1 - β₁) g), and M = β₂ M + g.

        Args:
            xp: the array namespace.
            p: the parameters, shape (P,), float32 or float64; updated in place.
            g: their gradient, the same shape and dtype; overwritten.
            M: the sums, the same; updated in place.
            scratch: the same; overwritten.
            lr: the learning rate, shape (1,), the same dtype.
            kept: the same; see `Decoupled`.
            decays: whether p is multiplied by it first.
        """
        if decays:
            xp.multiply(p, kept, out=p)  # (P,)
        xp.multiply(M, self.beta1 * (1.0 - self.beta2), out=scratch)
        xp.multiply(M, self.beta2, out=M)
        xp.add(M, g, out=M)
        xp.multiply(g, 1.0 - self.beta1, out=g)
        xp.add(g, scratch, out=g)
        xp.sign(g, out=g)
        xp.multiply(g, lr, out=g)
        xp.subtract(p, g, out=p)
