"""Optimizers: how a gradient changes the parameters, all of which are one flat array."""

from __future__ import annotations

from typing import Any

from backends import Array, Backend
from mlp.common.registry import Registry

LONGEST = 2.0**128 - 2.0**104
"""A limit of a length is at most this, the largest float32: a longer one limits nothing."""


class Optimizer:
    """Descent along a flat gradient: clip it, add the weight decay to it, then `update`.

    A subclass writes `update`. The gradient is scratch: a step leaves other values in it.

    Args:
        parameters: p, flat, shape (P,); updated in place.
        gradients: g, flat, shape (P,).
        backend: the device that both live on.
        weight_decay: λ of the term ½ λ |W|², whose gradient λ W is added.
        decayed: how many of the first parameters decay: the weights, which stand before the
            biases; all unless given.
        clip_value: each element of g is limited to ± this.
        clip_norm: g is scaled down to this Euclidean norm where it is longer.

    Attributes:
        lr: the learning rate, an array of shape (1,) that may be written between steps.
        state: the arrays that one step leaves to the next, by name.
    """

    def __init__(
        self,
        parameters: Array,
        gradients: Array,
        backend: Backend,
        weight_decay: float = 0.0,
        decayed: int | None = None,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        self.xp = backend.xp
        self.parameters, self.gradients = parameters, gradients
        self.weight_decay, self.decayed = weight_decay, decayed
        self.clip_value, self.clip_norm = clip_value, clip_norm
        self.lr = self.xp.zeros(1, dtype=parameters.dtype)
        self.state: dict[str, Array] = {}
        self.scratch = self.xp.empty_like(parameters)  # (P,)
        self.scale, self.norm = (self.xp.empty(1, dtype=parameters.dtype) for _ in range(2))
        self._add_decay = backend.fuse(self.decay)

    def update(self) -> None:
        """Change the parameters by the gradient, which is clipped and has the decay by now."""
        raise NotImplementedError

    def step(self) -> None:
        """Update the parameters from the gradients of the latest backward pass."""
        xp, p, g, scratch = self.xp, self.parameters, self.gradients, self.scratch  # (P,)
        if self.clip_value is not None:
            xp.clip(g, -self.clip_value, self.clip_value, out=g)
        if self.clip_norm is not None:
            self._clip_norm(min(self.clip_norm, LONGEST))
        if self.weight_decay:
            self._add_decay(p[: self.decayed], g[: self.decayed], scratch[: self.decayed])
        self.update()

    def reset(self) -> None:
        """Set the state that earlier steps left to 0."""
        for array in self.state.values():
            self.xp.copyto(array, 0.0)

    def decay(self, xp: Any, p: Array, g: Array, scratch: Array) -> None:
        """g = g + λ p, for the (P_weights,) that decay."""
        xp.multiply(p, self.weight_decay, out=scratch)  # (P_weights,)
        xp.add(g, scratch, out=g)  # (P_weights,)

    def _clip_norm(self, limit: float) -> None:
        """g = g · min(1, limit / |g|) (Pascanu, Mikolov and Bengio, 2013, algorithm 1).

        g is squared times a power of two, about m^-0.75, where m is the larger of its largest
        element and the limit: so no square overflows, and no bit of the others changes.
        """
        xp, g, scratch, scale, norm = self.xp, self.gradients, self.scratch, self.scale, self.norm
        xp.max(g, axis=0, keepdims=True, out=scale)  # (1,)
        xp.min(g, axis=0, keepdims=True, out=norm)  # (1,)
        xp.negative(norm, out=norm)
        xp.maximum(scale, norm, out=scale)
        xp.maximum(scale, limit, out=scale)
        xp.log2(scale, out=scale)
        xp.multiply(scale, 0.75, out=scale)
        xp.floor(scale, out=scale)
        xp.negative(scale, out=scale)
        xp.exp2(scale, out=scale)
        xp.multiply(g, scale, out=scratch)  # (P,)
        xp.multiply(scratch, scratch, out=scratch)  # (P,)
        xp.sum(scratch, axis=0, keepdims=True, out=norm)  # (1,)
        xp.sqrt(norm, out=norm)
        xp.multiply(scale, limit, out=scale)
        xp.maximum(norm, scale, out=norm)  # so that short gradients keep their length
        xp.divide(scale, norm, out=norm)
        xp.multiply(g, norm, out=g)  # (P,)


OPTIMIZERS: Registry[type[Optimizer]] = Registry("optimizer")
"""The optimizers by name. A recipe passes those of its fields that the constructor, or that of
`Optimizer`, has as parameters, and the numbers of the choice."""


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
