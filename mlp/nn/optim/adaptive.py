"""Adagrad and RMSprop: descent along the gradient, over the root of its squares so far."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from backends import Array, Backend, scratch
from mlp.nn.optim.optimizer import OPTIMIZERS, Optimizer, require_at_least_0, require_share


class OverRootOfSquares(Optimizer):
    """A step along the gradient, over the root of its squares: a subclass says how these add up.

    Args:
        parameters: p, flat, shape (P,); updated in place.
        gradients: g, flat, shape (P,).
        backend: the device that both live on.
        eps: ε, at least 0.
        **common: weight decay and clipping; see `Optimizer`.

    Attributes:
        state: ``square_sums``, S of shape (P,).

    Raises:
        UsageError: if ``eps`` is negative.
    """

    def __init__(
        self, parameters: Array, gradients: Array, backend: Backend, *, eps: float, **common: Any
    ) -> None:
        super().__init__(parameters, gradients, backend, **common)
        self.eps = require_at_least_0("eps", eps)
        self.state["square_sums"] = self.xp.zeros_like(parameters)
        self._descend = backend.fuse(self.descend)

    def update(self) -> None:
        p, g, S = self.parameters, self.gradients, self.state["square_sums"]
        self._descend(p, g, S, self.scratch, self.lr)

    @scratch("g", "scratch")
    def descend(self, xp: Any, p: Array, g: Array, S: Array, scratch: Array, lr: Array) -> None:
        """Add g² to S, and step along g; g is overwritten.

        Args:
            xp: the array namespace.
            p: the parameters, shape (P,), float32 or float64; updated in place.
            g: their gradient, the same shape and dtype.
            S: the sums of squares, the same; updated in place.
            scratch: the same; overwritten.
            lr: the learning rate, shape (1,), the same dtype.
        """
        raise NotImplementedError


@OPTIMIZERS.register("adagrad")
class Adagrad(OverRootOfSquares):
    """p = p - lr · g / (√S + ε), with S = S + g² the sum of the squares of all steps.

    Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization (2011), figure 1, with diagonal matrices; ε as in PyTorch's ``Adagrad``.

    Args:
        parameters: p, flat, shape (P,); updated in place.
        gradients: g, flat, shape (P,).
        backend: the device that both live on.
        eps: ε, at least 0.
        **common: weight decay and clipping; see `Optimizer`.

    Attributes:
        state: ``square_sums``, S of shape (P,).

    Raises:
        UsageError: if ``eps`` is negative.
    """

    usual_lr: ClassVar[float] = 0.01

    def __init__(
        self,
        parameters: Array,
        gradients: Array,
        backend: Backend,
        *,
        eps: float = 1e-10,
        **common: Any,
    ) -> None:
        super().__init__(parameters, gradients, backend, eps=eps, **common)

    @scratch("g", "scratch")
    def descend(self, xp: Any, p: Array, g: Array, S: Array, scratch: Array, lr: Array) -> None:
        """S = S + g², and p = p - lr · g / (√S + ε); g is overwritten."""
        xp.multiply(g, g, out=scratch)  # (P,)
        xp.add(S, scratch, out=S)
        xp.sqrt(S, out=scratch)
        xp.add(scratch, self.eps, out=scratch)
        xp.divide(g, scratch, out=g)
        xp.multiply(g, lr, out=g)
        xp.subtract(p, g, out=p)


@OPTIMIZERS.register("rmsprop")
class RMSprop(OverRootOfSquares):
    """p = p - lr · g / (√v + ε), with v = α v + (1 - α) g² the mean square of the latest steps.

    Kept is the sum S = v / (1 - α), as sums take no factor.

    Source: Tieleman and Hinton, Lecture 6.5: RMSprop (2012); ε as in PyTorch's ``RMSprop``.

    Args:
        parameters: p, flat, shape (P,); updated in place.
        gradients: g, flat, shape (P,).
        backend: the device that both live on.
        alpha: α, how much a step counts, over the next one; from 0 to below 1.
        eps: ε, at least 0.
        **common: weight decay and clipping; see `Optimizer`.

    Attributes:
        state: ``square_sums``, S of shape (P,).

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
        alpha: float = 0.99,
        eps: float = 1e-8,
        **common: Any,
    ) -> None:
        super().__init__(parameters, gradients, backend, eps=eps, **common)
        self.alpha = require_share("alpha", alpha)

    @scratch("g", "scratch")
    def descend(self, xp: Any, p: Array, g: Array, S: Array, scratch: Array, lr: Array) -> None:
        """S = α S + g², and p = p - lr · g / (√((1 - α) S) + ε); g is overwritten."""
        xp.multiply(g, g, out=scratch)  # (P,)
        xp.multiply(S, self.alpha, out=S)
        xp.add(S, scratch, out=S)
        xp.sqrt(S, out=scratch)
        xp.multiply(scratch, math.sqrt(1.0 - self.alpha), out=scratch)
        xp.add(scratch, self.eps, out=scratch)
        xp.divide(g, scratch, out=g)
        xp.multiply(g, lr, out=g)
        xp.subtract(p, g, out=p)
