"""The base of the optimizers: what changes all parameters, which are one flat array, at once."""

from __future__ import annotations

from typing import Any, ClassVar

from backends import Array, Backend, scratch
from mlp.common.errors import UsageError
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
        usual_lr: the peak learning rate of a recipe that gives none.
        decoupled: whether `update` itself shrinks the weights, beside the gradient.
        lr: the learning rate, an array of shape (1,) that may be written between steps.
        state: the arrays that one step leaves to the next, by name.
    """

    usual_lr: ClassVar[float] = 0.15
    decoupled: ClassVar[bool] = False

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
        """Change the parameters by the gradient, which is clipped by now, and has the decay."""
        raise NotImplementedError

    def step(self) -> None:
        """Update the parameters from the gradients of the latest backward pass."""
        xp, p, g, scratch = self.xp, self.parameters, self.gradients, self.scratch  # (P,)
        if self.clip_value is not None:
            xp.clip(g, -self.clip_value, self.clip_value, out=g)
        if self.clip_norm is not None:
            self._clip_norm(min(self.clip_norm, LONGEST))
        if self.weight_decay and not self.decoupled:
            self._add_decay(p[: self.decayed], g[: self.decayed], scratch[: self.decayed])
        self.update()

    def reset(self) -> None:
        """Set the state that earlier steps left to 0."""
        for array in self.state.values():
            self.xp.copyto(array, 0.0)

    @scratch("scratch")
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


def require_share(name: str, value: float) -> float:
    """Return a number of an optimizer that must be from 0 to below 1.

    Raises:
        UsageError: if it is not.
    """
    if not 0 <= value < 1:
        raise UsageError(f"{name} of an optimizer must be from 0 to below 1, not {value:g}")
    return value


def require_at_least_0(name: str, value: float) -> float:
    """Return a number of an optimizer that must be at least 0.

    Raises:
        UsageError: if it is not.
    """
    if not value >= 0:
        raise UsageError(f"{name} of an optimizer must be at least 0, not {value:g}")
    return value
