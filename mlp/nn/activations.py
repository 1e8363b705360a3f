"""The activations, each written so that its gradient needs its output alone.

So y is all that is kept between the passes, which the next layer holds anyway.
"""

from __future__ import annotations

from typing import Any

from backends import Array, Backend
from mlp.nn.layers import Layer

LEAK = 0.01
"""The slope of the leaky ReLU below zero (Maas, Hannun and Ng, 2013)."""


class Activation(Layer):
    """An elementwise y = f(x), given by the two functions that a subclass defines."""

    def __init__(self, backend: Backend, dtype: str) -> None:
        super().__init__(backend, dtype)
        self._apply = backend.fuse(type(self).apply)
        self._gradient = backend.fuse(type(self).gradient)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @staticmethod
    def apply(xp: Any, x: Array, y: Array) -> None:
        """Write y = f(x)."""
        raise NotImplementedError

    @staticmethod
    def gradient(xp: Any, dy: Array, y: Array, dx: Array) -> None:
        """Write dx = dy · f'(x) from y = f(x); dx is another array than dy and y."""
        raise NotImplementedError

    def forward(self, x: Array) -> Array:
        """y = f(x)."""
        self.y = self.buffer("y", *x.shape)  # (N, O)
        self._apply(x, self.y)
        return self.y

    def backward(self, dy: Array) -> Array:
        """dx = dy · f'(x)."""
        dx = self.buffer("dx", *dy.shape)  # (N, O)
        self._gradient(dy, self.y, dx)
        return dx


class Identity(Activation):
    """y = x."""

    def forward(self, x: Array) -> Array:
        """y = x, the same array."""
        return x

    def backward(self, dy: Array) -> Array:
        """dx = dy, the same array."""
        return dy


class ReLU(Activation):
    """y = max(x, 0); the slope at 0 is taken as 0."""

    @staticmethod
    def apply(xp: Any, x: Array, y: Array) -> None:
        """y = max(x, 0)."""
        xp.maximum(x, 0.0, out=y)

    @staticmethod
    def gradient(xp: Any, dy: Array, y: Array, dx: Array) -> None:
        """dx = dy where y > 0, else 0."""
        xp.sign(y, out=dx)  # 1 or 0, as y >= 0
        xp.multiply(dy, dx, out=dx)


class LeakyReLU(Activation):
    """y = x where x > 0, else 0.01 x; the slope at 0 is taken as 0.01."""

    @staticmethod
    def apply(xp: Any, x: Array, y: Array) -> None:
        """y = max(x, 0.01 x)."""
        xp.multiply(x, LEAK, out=y)
        xp.maximum(x, y, out=y)

    @staticmethod
    def gradient(xp: Any, dy: Array, y: Array, dx: Array) -> None:
        """dx = dy where y > 0, else 0.01 dy."""
        xp.sign(y, out=dx)  # -1, 0 or 1
        xp.maximum(dx, LEAK, out=dx)  # 1 or 0.01
        xp.multiply(dy, dx, out=dx)


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), by way of tanh, which overflows nowhere."""

    @staticmethod
    def apply(xp: Any, x: Array, y: Array) -> None:
        """y = (1 + tanh(x / 2)) / 2."""
        xp.multiply(x, 0.5, out=y)
        xp.tanh(y, out=y)
        xp.multiply(y, 0.5, out=y)
        xp.add(y, 0.5, out=y)

    @staticmethod
    def gradient(xp: Any, dy: Array, y: Array, dx: Array) -> None:
        """dx = dy · y (1 - y)."""
        xp.subtract(1.0, y, out=dx)
        xp.multiply(dx, y, out=dx)
        xp.multiply(dy, dx, out=dx)


class Tanh(Activation):
    """y = tanh(x)."""

    @staticmethod
    def apply(xp: Any, x: Array, y: Array) -> None:
        """y = tanh(x)."""
        xp.tanh(x, out=y)

    @staticmethod
    def gradient(xp: Any, dy: Array, y: Array, dx: Array) -> None:
        """dx = dy · (1 - y²)."""
        xp.multiply(y, y, out=dx)
        xp.subtract(1.0, dx, out=dx)
        xp.multiply(dy, dx, out=dx)


ACTIVATIONS: dict[str, type[Activation]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "identity": Identity,
}
