"""The activations: elementwise functions y = f(x), each with its derivative below it."""

from __future__ import annotations

from typing import Any

from backends import Array, Backend
from mlp.common.errors import UsageError
from mlp.nn.layers import LAYERS, Layer


class Activation(Layer):
    """An elementwise y = f(x), given by `apply` and `gradient`, which a subclass writes.

    Both are chains of elementwise calls with ``out=``, which a device may run as one kernel.
    """

    elementwise = True

    def __init__(self, backend: Backend, dtype: str) -> None:
        super().__init__(backend, dtype)
        self._apply = backend.fuse(self.apply)
        self._gradient = backend.fuse(self.gradient)

    def apply(self, xp: Any, x: Array, y: Array) -> None:
        """Write y = f(x).

        Args:
            xp: the array namespace.
            x: the inputs, shape (N, O), float32 or float64.
            y: where the outputs go: the same shape and dtype, another array.
        """
        raise NotImplementedError

    def gradient(self, xp: Any, dy: Array, x: Array, y: Array, dx: Array) -> None:
        """Write dx = dy · f'(x), computed from x or from y = f(x).

        Args:
            xp: the array namespace.
            dy: the gradient by the outputs, shape (N, O), float32 or float64.
            x: the inputs, the same shape and dtype, as all that follow.
            y: the outputs.
            dx: where the gradient by the inputs goes: an array other than all of these.
        """
        raise NotImplementedError

    def forward(self, x: Array) -> Array:
        """y = f(x)."""
        self.x, self.y = x, self.buffer("y", *x.shape)  # (N, O)
        self._apply(x, self.y)
        return self.y

    def backward(self, dy: Array) -> Array:
        """dx = dy · f'(x): the chain rule for one number."""
        dx = self.buffer("dx", *dy.shape)  # (N, O)
        self._gradient(dy, self.x, self.y, dx)
        return dx


@LAYERS.register("relu")
class ReLU(Activation):
    """y = max(x, 0); the slope at 0 is taken as 0."""

    def apply(self, xp: Any, x: Array, y: Array) -> None:
        xp.maximum(x, 0.0, out=y)  # (N, O)

    def gradient(self, xp: Any, dy: Array, x: Array, y: Array, dx: Array) -> None:
        """dx = dy where y > 0, else 0."""
        xp.sign(y, out=dx)  # (N, O): 1 or 0, as y >= 0
        xp.multiply(dy, dx, out=dx)


@LAYERS.register("leaky_relu")
class LeakyReLU(Activation):
    """y = x where x > 0, else slope · x; the derivative at 0 is taken as the slope.

    Source: Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models
    (2013), section 2, with a slope of 0.01.

    Args:
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``.
        slope: below zero, from 0 to below 1.
    """

    def __init__(self, backend: Backend, dtype: str, *, slope: float = 0.01) -> None:
        if not 0 <= slope < 1:
            raise UsageError(f"the slope of leaky_relu must be from 0 to below 1, not {slope:g}")
        self.slope = slope
        super().__init__(backend, dtype)

    def apply(self, xp: Any, x: Array, y: Array) -> None:
        """y = max(x, slope · x)."""
        xp.multiply(x, self.slope, out=y)  # (N, O)
        xp.maximum(x, y, out=y)

    def gradient(self, xp: Any, dy: Array, x: Array, y: Array, dx: Array) -> None:
        """dx = dy where y > 0, else slope · dy."""
        xp.sign(y, out=dx)  # (N, O): -1, 0 or 1
        xp.maximum(dx, self.slope, out=dx)  # 1 or the slope
        xp.multiply(dy, dx, out=dx)


@LAYERS.register("sigmoid")
class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), computed with tanh, which never overflows."""

    def apply(self, xp: Any, x: Array, y: Array) -> None:
        sigmoid(xp, x, y)  # (N, O)

    def gradient(self, xp: Any, dy: Array, x: Array, y: Array, dx: Array) -> None:
        """dx = dy · y (1 - y)."""
        xp.subtract(1.0, y, out=dx)  # (N, O)
        xp.multiply(dx, y, out=dx)
        xp.multiply(dy, dx, out=dx)


@LAYERS.register("tanh")
class Tanh(Activation):
    """y = tanh(x)."""

    def apply(self, xp: Any, x: Array, y: Array) -> None:
        xp.tanh(x, out=y)  # (N, O)

    def gradient(self, xp: Any, dy: Array, x: Array, y: Array, dx: Array) -> None:
        """dx = dy · (1 - y²)."""
        xp.multiply(y, y, out=dx)  # (N, O)
        xp.subtract(1.0, dx, out=dx)
        xp.multiply(dy, dx, out=dx)


@LAYERS.register("identity")
class Identity(Activation):
    """y = x, the same array, and dx = dy."""

    def forward(self, x: Array) -> Array:
        return x

    def backward(self, dy: Array) -> Array:
        return dy


def sigmoid(xp: Any, x: Array, y: Array) -> None:
    """Write y = (1 + tanh(x / 2)) / 2, which is 1 / (1 + exp(-x))."""
    xp.multiply(x, 0.5, out=y)  # (N, O)
    xp.tanh(y, out=y)
    xp.multiply(y, 0.5, out=y)
    xp.add(y, 0.5, out=y)
