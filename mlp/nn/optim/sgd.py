"""Stochastic gradient descent, the default."""

from __future__ import annotations

from typing import Any

from backends import Array, Backend, scratch
from mlp.nn.optim.optimizer import OPTIMIZERS, Optimizer


@OPTIMIZERS.register("sgd")
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted.

        v = µ v + g,    p = p - lr · v             (momentum)
        v = µ v + g,    p = p - lr · (g + µ v)     (Nesterov)

    so lr is not part of v, as in PyTorch's ``SGD`` and unlike Sutskever et al., 2013.

    Args:
        parameters: p, flat, shape (P,); updated in place.
        gradients: g, flat, shape (P,).
        backend: the device that both live on.
        momentum: µ, 0 for none.
        nesterov: look ahead along the velocity.
        **common: weight decay and clipping; see `Optimizer`.

    Attributes:
        state: ``velocity``, v of shape (P,), where there is momentum.
    """

    def __init__(
        self,
        parameters: Array,
        gradients: Array,
        backend: Backend,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Any,
    ) -> None:
        super().__init__(parameters, gradients, backend, **common)
        self.momentum, self.nesterov = momentum, nesterov
        if momentum:
            self.state["velocity"] = self.xp.zeros_like(parameters)
        self._descend = backend.fuse(self.descend)
        self._descend_with_momentum = backend.fuse(self.descend_with_momentum)
        self._descend_ahead = backend.fuse(self.descend_ahead)

    def update(self) -> None:
        p, g, lr = self.parameters, self.gradients, self.lr  # (P,), (P,), (1,)
        if not self.momentum:
            self._descend(p, g, lr)
        elif not self.nesterov:
            self._descend_with_momentum(p, g, self.state["velocity"], lr)
        else:
            self._descend_ahead(p, g, self.state["velocity"], lr, self.scratch)

    @scratch("g")
    def descend(self, xp: Any, p: Array, g: Array, lr: Array) -> None:
        """p = p - lr · g; g is overwritten.

        Args:
            xp: the array namespace.
            p: the parameters, shape (P,), float32 or float64; updated in place.
            g: their gradient, the same shape and dtype.
            lr: the learning rate, shape (1,), the same dtype.
        """
        xp.multiply(g, lr, out=g)  # (P,)
        xp.subtract(p, g, out=p)  # (P,)

    @scratch("g")
    def descend_with_momentum(self, xp: Any, p: Array, g: Array, v: Array, lr: Array) -> None:
        """v = µ v + g, and p = p - lr · v; g is overwritten.

        Args:
            xp: the array namespace.
            p: see `descend`, as for g and lr.
            g: the gradient.
            v: the velocity, shape (P,), the same dtype; updated in place.
            lr: the learning rate.
        """
        xp.multiply(v, self.momentum, out=v)  # (P,)
        xp.add(v, g, out=v)  # (P,)
        xp.multiply(v, lr, out=g)  # (P,)
        xp.subtract(p, g, out=p)  # (P,)

    @scratch("g", "scratch")
    def descend_ahead(
        self, xp: Any, p: Array, g: Array, v: Array, lr: Array, scratch: Array
    ) -> None:
        """v = µ v + g, and p = p - lr · (g + µ v): Nesterov's form; g is overwritten.

        Args:
            xp: the array namespace.
            p: see `descend_with_momentum`, as for g, v and lr.
            g: the gradient.
            v: the velocity.
            lr: the learning rate.
            scratch: shape (P,), the same dtype; overwritten.
        """
        xp.multiply(v, self.momentum, out=v)  # (P,)
        xp.add(v, g, out=v)  # (P,)
        xp.multiply(v, self.momentum, out=scratch)  # (P,)
        xp.add(g, scratch, out=g)  # (P,)
        self.descend(xp, p, g, lr)
