"""Smooth activations: GELU, SiLU, ELU and softplus, each with its derivative below it."""

from __future__ import annotations

import math
from typing import Any

from backends import Array, Backend
from mlp.common.errors import UsageError
from mlp.nn.activations import Activation, sigmoid
from mlp.nn.layers import LAYERS


class Spared(Activation):
    """An activation whose derivative takes one more array to compute in.

    A subclass writes `slope` in place of `gradient`.
    """

    def __init__(self, backend: Backend, dtype: str) -> None:
        super().__init__(backend, dtype)
        self._slope = backend.fuse(self.slope)

    def slope(self, xp: Any, dy: Array, x: Array, y: Array, dx: Array, spare: Array) -> None:
        """Write dx = dy · f'(x), as `gradient` does, with a further array to overwrite."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        """dx = dy · f'(x)."""
        dx, spare = self.buffer("dx", *dy.shape), self.buffer("spare", *dy.shape)  # (N, O)
        self._slope(dy, self.x, self.y, dx, spare)
        return dx


@LAYERS.register("silu")
class SiLU(Spared):
    """y = x · σ(x), also called swish.

    Source: Hendrycks and Gimpel, Gaussian Error Linear Units (2016), section 2.
    """

    def apply(self, xp: Any, x: Array, y: Array) -> None:
        sigmoid(xp, x, y)  # (N, O)
        xp.multiply(y, x, out=y)

    def slope(self, xp: Any, dy: Array, x: Array, y: Array, dx: Array, spare: Array) -> None:
        """dx = dy · (s + y (1 - s)), with s = σ(x)."""
        sigmoid(xp, x, dx)  # (N, O)
        xp.subtract(1.0, dx, out=spare)
        xp.multiply(spare, y, out=spare)
        xp.add(dx, spare, out=dx)
        xp.multiply(dy, dx, out=dx)


BEND, CUBIC = math.sqrt(8.0 / math.pi), 0.044715
"""The numbers of GELU's σ: it is about σ(√(8/π) (x + 0.044715 x³))."""


@LAYERS.register("gelu")
class GELU(Spared):
    """y = x · σ(√(8/π) (x + 0.044715 x³)), which is x · Φ(x) but for 0.0005.

    Source: Hendrycks and Gimpel, Gaussian Error Linear Units (2016), section 2; PyTorch's ``GELU``
    with ``approximate="tanh"``. NumPy has no Φ.
    """

    def apply(self, xp: Any, x: Array, y: Array) -> None:
        self.share(xp, x, y)  # (N, O)
        xp.multiply(y, x, out=y)

    def slope(self, xp: Any, dy: Array, x: Array, y: Array, dx: Array, spare: Array) -> None:
        """dx = dy · (s + y (1 - s) u') = dy · (1 - (1 - s) (1 - y u')), with s = σ(u)."""
        xp.multiply(x, x, out=spare)  # (N, O)
        xp.multiply(spare, 3.0 * BEND * CUBIC, out=spare)
        xp.add(spare, BEND, out=spare)  # u'
        xp.multiply(spare, y, out=spare)
        xp.subtract(1.0, spare, out=spare)
        self.share(xp, x, dx)
        xp.subtract(1.0, dx, out=dx)
        xp.multiply(dx, spare, out=dx)
        xp.subtract(1.0, dx, out=dx)
        xp.multiply(dy, dx, out=dx)

    def share(self, xp: Any, x: Array, s: Array) -> None:
        """s = σ(u) with u = √(8/π) (x + 0.044715 x³)."""
        xp.multiply(x, x, out=s)  # (N, O)
        xp.multiply(s, BEND * CUBIC, out=s)
        xp.add(s, BEND, out=s)
        xp.multiply(s, x, out=s)
        sigmoid(xp, s, s)


@LAYERS.register("elu")
class ELU(Spared):
    """y = x where x > 0, else alpha · (exp(x) - 1).

    Source: Clevert, Unterthiner and Hochreiter, Fast and Accurate Deep Network Learning by
    Exponential Linear Units (2016), equation 15.

    Args:
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``.
        alpha: -y far below zero, above 0 and up to 1.
    """

    def __init__(self, backend: Backend, dtype: str, *, alpha: float = 1.0) -> None:
        if not 0 < alpha <= 1:
            raise UsageError(f"the alpha of elu must be above 0 and up to 1, not {alpha:g}")
        self.alpha = alpha
        super().__init__(backend, dtype)

    def apply(self, xp: Any, x: Array, y: Array) -> None:
        """y = max(x, alpha · (exp(min(x, 0)) - 1)), as alpha is at most 1."""
        xp.minimum(x, 0.0, out=y)  # (N, O)
        xp.expm1(y, out=y)
        xp.multiply(y, self.alpha, out=y)
        xp.maximum(x, y, out=y)

    def slope(self, xp: Any, dy: Array, x: Array, y: Array, dx: Array, spare: Array) -> None:
        """dx = dy where y > 0, else dy · (y + alpha)."""
        xp.minimum(y, 0.0, out=spare)  # (N, O)
        xp.add(spare, self.alpha, out=spare)
        xp.sign(y, out=dx)
        xp.maximum(dx, spare, out=dx)
        xp.multiply(dy, dx, out=dx)


@LAYERS.register("softplus")
class Softplus(Activation):
    """y = log(1 + exp(x)), computed as log(exp(x) + exp(0)), which never overflows.

    Source: Dugas et al., Incorporating Second-Order Functional Knowledge (2001), section 3.
    """

    def apply(self, xp: Any, x: Array, y: Array) -> None:
        xp.logaddexp(x, 0.0, out=y)  # (N, O)

    def gradient(self, xp: Any, dy: Array, x: Array, y: Array, dx: Array) -> None:
        """dx = dy · (1 - exp(-y)), which is dy · σ(x)."""
        xp.negative(y, out=dx)  # (N, O)
        xp.expm1(dx, out=dx)
        xp.negative(dx, out=dx)
        xp.multiply(dy, dx, out=dx)
