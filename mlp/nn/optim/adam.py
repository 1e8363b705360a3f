"""Adam and AdamW: descent along the mean gradient, over the root of its mean square."""

from __future__ import annotations

from typing import Any, ClassVar

from backends import Array, Backend, scratch
from mlp.nn.optim.decoupled import Decoupled
from mlp.nn.optim.optimizer import OPTIMIZERS, require_at_least_0, require_share


@OPTIMIZERS.register("adam")
class Adam(Decoupled):
    """Adaptive moment estimation; a weight decay is added to the gradient.

        m = mean of g so far,  v = mean of g² so far,   each step counting β times the next one
        p = p - lr · m / (√v + ε)

    With M = β₁ M + g the sum and C = β₁ C + 1 the count, the mean is m = M / C, and v likewise: the
    paper's m̂ = ((1 - β₁) Σ β₁ᵏ g) / (1 - β₁ᵗ), whose factors 1 - β₁ cancel. PyTorch's ``Adam``
    takes the same steps.

    Source: Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), algorithm 1.

    Args:
        parameters: p, flat, shape (P,); updated in place.
        gradients: g, flat, shape (P,).
        backend: the device that both live on.
        beta1: β₁, how much a step counts in m, over the next one; from 0 to below 1.
        beta2: β₂, the same in v.
        eps: ε, at least 0.
        **common: weight decay and clipping; see `Optimizer`.

    Attributes:
        state: ``sums`` and ``square_sums``, shape (P,); ``count`` and ``square_count``, shape (1,).

    Raises:
        UsageError: if a number is out of its range.
    """

    usual_lr: ClassVar[float] = 0.001

    def __init__(
        self,
        parameters: Array,
        gradients: Array,
        backend: Backend,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        **common: Any,
    ) -> None:
        super().__init__(parameters, gradients, backend, **common)
        self.beta1, self.beta2 = require_share("beta1", beta1), require_share("beta2", beta2)
        self.eps = require_at_least_0("eps", eps)
        for name in ("sums", "square_sums"):
            self.state[name] = self.xp.zeros_like(parameters)
        for name in ("count", "square_count"):
            self.state[name] = self.xp.zeros_like(self.lr)
        self.step_size, self.floor = self.xp.zeros_like(self.lr), self.xp.zeros_like(self.lr)
        self._correct = backend.fuse(self.correct)
        self._descend = backend.fuse(self.descend)

    def update(self) -> None:
        state, step_size, floor = self.state, self.step_size, self.floor
        self._correct(state["count"], state["square_count"], self.lr, step_size, floor)
        self.shrinkage()
        p, g, M, V = self.parameters, self.gradients, state["sums"], state["square_sums"]
        for part, decays in self.parts:
            self._descend(p[part], g[part], M[part], V[part], step_size, floor, self.kept, decays)

    def correct(
        self, xp: Any, count: Array, square_count: Array, lr: Array, step_size: Array, floor: Array
    ) -> None:
        """C₁ = β₁ C₁ + 1, C₂ = β₂ C₂ + 1, step_size = lr √C₂ / C₁, floor = ε √C₂.

        All are of shape (1,).
        """
        xp.multiply(count, self.beta1, out=count)
        xp.add(count, 1.0, out=count)
        xp.multiply(square_count, self.beta2, out=square_count)
        xp.add(square_count, 1.0, out=square_count)
        xp.sqrt(square_count, out=floor)
        xp.divide(floor, count, out=step_size)
        xp.multiply(step_size, lr, out=step_size)
        xp.multiply(floor, self.eps, out=floor)

    @scratch("g")
    def descend(
        self,
        xp: Any,
        p: Array,
        g: Array,
        M: Array,
        V: Array,
        step_size: Array,
        floor: Array,
        kept: Array,
        decays: bool,
    ) -> None:
        """M = β₁ M + g, V = β₂ V + g², and p = p - step_size · M / (√V + floor); g is overwritten.

        Args:
            xp: the array namespace.
            p: the parameters, shape (P,), float32 or float64; updated in place.
            g: their gradient, the same shape and dtype.
            M: the sums, the same; updated in place.
            V: the sums of squares, the same; updated in place.
            step_size: shape (1,), the same dtype; see `correct`.
            floor: the same.
            kept: the same; see `Decoupled`.
            decays: whether p is multiplied by it first.
        """
        if decays:
            xp.multiply(p, kept, out=p)  # (P,)
        xp.multiply(M, self.beta1, out=M)
        xp.add(M, g, out=M)
        xp.multiply(g, g, out=g)
        xp.multiply(V, self.beta2, out=V)
        xp.add(V, g, out=V)
        xp.sqrt(V, out=g)
        xp.add(g, floor, out=g)
        xp.divide(M, g, out=g)
        xp.multiply(g, step_size, out=g)
        xp.subtract(p, g, out=p)


@OPTIMIZERS.register("adamw")
class AdamW(Adam):
    """Adam with weight decay beside the gradient: p = (1 - lr λ) p, and then Adam's step.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019), algorithm 2, with λ
    times the learning rate, as in PyTorch's ``AdamW``, whose λ is 0.01 unless given; here a recipe
    gives it, and its default is 0.
    """

    decoupled: ClassVar[bool] = True
