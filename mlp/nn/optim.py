"""Stochastic gradient descent on one flat array of parameters."""

from __future__ import annotations

from typing import Any

from backends import Array, Backend


class SGD:
    """Gradient descent with momentum, weight decay and clipping.

    The order is: clip the gradient g, add the decay to it, then

        v = μ v + g,    p = p - lr · v             (momentum)
        v = μ v + g,    p = p - lr · (g + μ v)     (Nesterov)

    so lr is not inside v, as in PyTorch's ``SGD`` and unlike Sutskever et al., 2013.
    The gradient is scratch: a step leaves other values in it.

    Args:
        parameters: p, flat, shape (P,); updated in place.
        gradients: g, flat, shape (P,).
        backend: the device that both live on.
        momentum: μ, 0 for none.
        nesterov: look ahead along the velocity.
        weight_decay: λ of the term ½ λ |W|²: λ W is added to the gradient.
        decayed: how many of the first parameters decay: the weights, which stand before the
            biases; all unless given.
        clip_value: limit each element of g to ±this.
        clip_norm: scale g down where its Euclidean norm is above this.

    Attributes:
        lr: the learning rate, an array of shape (1,) that may be written between steps.
        velocity: v, flat, shape (P,).
    """

    def __init__(
        self,
        parameters: Array,
        gradients: Array,
        backend: Backend,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        decayed: int | None = None,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        self.xp = backend.xp
        self.parameters, self.gradients = parameters, gradients
        self.momentum, self.nesterov = momentum, nesterov
        self.weight_decay, self.decayed = weight_decay, decayed
        self.clip_value, self.clip_norm = clip_value, clip_norm
        self.lr = self.xp.zeros(1, dtype=parameters.dtype)
        self.velocity = self.xp.zeros_like(parameters) if momentum else None
        self.scratch = self.xp.empty_like(parameters)
        self.norm = self.xp.empty(1, dtype=parameters.dtype)
        self._add_decay = backend.fuse(self.decay)
        self._descend = backend.fuse(self.descend)
        self._descend_with_momentum = backend.fuse(self.descend_with_momentum)
        self._descend_ahead = backend.fuse(self.descend_ahead)

    def step(self) -> None:
        """Update the parameters from the gradients of the latest backward pass."""
        xp, p, g = self.xp, self.parameters, self.gradients
        v, scratch = self.velocity, self.scratch
        if self.clip_value is not None:
            xp.clip(g, -self.clip_value, self.clip_value, out=g)
        if self.clip_norm is not None:
            self._clip_norm(self.clip_norm)
        if self.weight_decay:
            self._add_decay(p[: self.decayed], g[: self.decayed], scratch[: self.decayed])
        if v is None:
            self._descend(p, g, self.lr)
        elif not self.nesterov:
            self._descend_with_momentum(p, g, v, self.lr)
        else:
            self._descend_ahead(p, g, v, self.lr, scratch)

    def decay(self, xp: Any, p: Array, g: Array, scratch: Array) -> None:
        """g = g + λ p."""
        xp.multiply(p, self.weight_decay, out=scratch)
        xp.add(g, scratch, out=g)

    def descend(self, xp: Any, p: Array, g: Array, lr: Array) -> None:
        """p = p - lr · g."""
        xp.multiply(g, lr, out=g)
        xp.subtract(p, g, out=p)

    def descend_with_momentum(self, xp: Any, p: Array, g: Array, v: Array, lr: Array) -> None:
        """v = μ v + g, and p = p - lr · v."""
        xp.multiply(v, self.momentum, out=v)
        xp.add(v, g, out=v)
        xp.multiply(v, lr, out=g)
        xp.subtract(p, g, out=p)

    def descend_ahead(
        self, xp: Any, p: Array, g: Array, v: Array, lr: Array, scratch: Array
    ) -> None:
        """v = μ v + g, and p = p - lr · (g + μ v), as Nesterov has it."""
        xp.multiply(v, self.momentum, out=v)
        xp.add(v, g, out=v)
        xp.multiply(v, self.momentum, out=scratch)
        xp.add(g, scratch, out=g)
        self.descend(xp, p, g, lr)

    def _clip_norm(self, limit: float) -> None:
        """g = g · min(1, limit / |g|) (Pascanu, Mikolov and Bengio, 2013, algorithm 1)."""
        xp, g, norm = self.xp, self.gradients, self.norm
        xp.multiply(g, g, out=self.scratch)
        xp.sum(self.scratch, axis=0, keepdims=True, out=norm)
        xp.sqrt(norm, out=norm)
        xp.maximum(norm, limit, out=norm)  # so that short gradients keep their length
        xp.divide(limit, norm, out=norm)
        xp.multiply(g, norm, out=g)
