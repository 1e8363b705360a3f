"""The linear layer, and what every layer shares: forward, backward and buffers that are reused."""

from __future__ import annotations

from backends import Array, Backend
from mlp.nn.buffers import Buffers


class Layer:
    """A differentiable function of a batch: one row an example.

    Args:
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``.
    """

    def __init__(self, backend: Backend, dtype: str) -> None:
        self.xp = backend.xp
        self.buffer = Buffers(backend, dtype)

    def forward(self, x: Array) -> Array:
        """Compute y from x; keep what the backward pass needs."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array | None:
        """Compute dL/dx from dL/dy, for the x of the latest forward pass.

        A layer with parameters overwrites their gradients on the way.
        """
        raise NotImplementedError


class Chain:
    """Layers of which each takes what the one before it gives.

    Attributes:
        layers: these layers, in order.
    """

    layers: list[Layer]

    def forward(self, x: Array) -> Array:
        """Compute the outputs (N, C) of a batch x (N, I)."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> None:
        """Compute all gradients from dL/dy (N, C), for the latest forward pass."""
        gradient: Array | None = dy
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
            if gradient is None:  # nothing before it has parameters
                return


class Linear(Layer):
    """y = x W + b, with W of shape (I, O) and b of shape (O,).

    The owner binds W, b and their gradients: views of its flat arrays.

    Args:
        inputs: I, the width of x.
        outputs: O, the width of y.
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``.
        bias: whether there is a b.
        needs_dx: whether the backward pass computes dx; a network's first layer need not.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        backend: Backend,
        dtype: str,
        *,
        bias: bool = True,
        needs_dx: bool = True,
    ) -> None:
        super().__init__(backend, dtype)
        self.inputs, self.outputs = inputs, outputs
        self.bias, self.needs_dx = bias, needs_dx

    def __repr__(self) -> str:
        return f"Linear({self.inputs}, {self.outputs}{'' if self.bias else ', bias=False'})"

    def bind(self, W: Array, dW: Array, b: Array | None, db: Array | None) -> None:
        """Take W and dW of shape (I, O), and b and db of shape (O,) where there is a bias."""
        self.W, self.dW = W, dW
        self.b, self.db = b, db

    def forward(self, x: Array) -> Array:
        """y = x W + b."""
        self.x = x  # (N, I)
        y = self.buffer("y", len(x), self.outputs)  # (N, O)
        self.xp.matmul(x, self.W, out=y)
        if self.bias:
            self.xp.add(y, self.b, out=y)
        return y

    def backward(self, dy: Array) -> Array | None:
        """dW = xᵀ dy, db = the column sums of dy, dx = dy Wᵀ."""
        self.xp.matmul(self.x.T, dy, out=self.dW)  # (I, O)
        if self.bias:
            self.xp.sum(dy, axis=0, out=self.db)  # (O,)
        if not self.needs_dx:
            return None
        dx = self.buffer("dx", len(dy), self.inputs)  # (N, I)
        return self.xp.matmul(dy, self.W.T, out=dx)
