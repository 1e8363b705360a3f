"""Layers: what maps a batch forward, and its gradient backward by the chain rule.

A network is a chain of layers, y = f₃(f₂(f₁(x))). Backpropagation runs it backwards: from dL/dy of
the last output each layer computes dL/dx of its own input, which is the dy of the layer before it.
So a layer needs to know nothing but its own derivative. Each backward stands under its forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backends import Array, Backend
from mlp.common.registry import Registry
from mlp.nn.buffers import Buffers

Shape = tuple[int, ...]


class Layer:
    """A differentiable function of a batch: one row an example.

    Args:
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``.

    Attributes:
        elementwise: whether each y depends on the x at its own place alone.
        whole_batch: whether it learns from all images of a batch at once, two or more: a part of
            them would be another batch.
        starts: the initialiser of a parameter, by its name, where the layer fixes it.
        least: the least value that a parameter may have, by its name, where there is one.
    """

    elementwise = False
    whole_batch = False
    starts: Mapping[str, str] = MappingProxyType({})
    least: Mapping[str, float] = MappingProxyType({})

    def __init__(self, backend: Backend, dtype: str) -> None:
        self.xp = backend.xp
        self.buffer = Buffers(backend, dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def shapes(self, width: int) -> dict[str, Shape]:
        """Return the shapes of the parameters by name, for a layer of ``width`` inputs and outputs.

        Matrices are weights, which weight decay shrinks; vectors are biases, which it does not.
        """
        del width
        return {}

    def bind(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Keep a parameter ``W`` and its gradient as the attributes ``W`` and ``dW``.

        Both are views of the network's flat arrays; a backward pass overwrites the gradient.
        """
        for name in parameters:
            setattr(self, name, parameters[name])
            setattr(self, f"d{name}", gradients[name])

    def in_training(self) -> Layer:
        """Return what takes this layer's place while the network learns: mostly itself.

        It has the same parameters, and is asked for once they are bound.
        """
        return self

    def forward(self, x: Array) -> Array:
        """Compute y from x; keep what the backward pass needs.

        Args:
            x: the inputs, shape (N, I), in the layer's dtype.

        Returns:
            The outputs y, shape (N, O), in the same dtype; valid until the next forward pass.
        """
        raise NotImplementedError

    def backward(self, dy: Array) -> Array | None:
        """Compute dL/dx from dL/dy, for the x of the latest forward pass.

        A layer with parameters also overwrites their gradients.

        Args:
            dy: dL/dy, shape (N, O), in the layer's dtype.

        Returns:
            dL/dx, shape (N, I), in the same dtype; None if nothing before this layer needs it.
        """
        raise NotImplementedError


LAYERS: Registry[type[Layer]] = Registry("activation")
"""What may follow a linear layer, by name: the activations, and any layer of as many outputs as
inputs. Each is made with a backend, a dtype and the numbers of the choice."""


class Chain:
    """Layers in a row: each takes the outputs of the one before it.

    Attributes:
        layers: these layers, in order.
    """

    layers: list[Layer]

    def forward(self, x: Array) -> Array:
        """Compute the outputs, shape (N, C), of a batch x of shape (N, I)."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> None:
        """Compute all gradients from dL/dy, shape (N, C), for the latest forward pass.

        This is backpropagation: the chain rule, from the last layer to the first.
        """
        gradient: Array | None = dy
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
            if gradient is None:  # nothing before it has parameters
                return

    def in_training(self) -> Chain:
        """Return the chain that learns: this one, unless a layer computes another thing then."""
        layers = [layer.in_training() for layer in self.layers]
        if layers == self.layers:
            return self
        chain = Chain()
        chain.layers = layers
        return chain


class Linear(Layer):
    """y = x W + b, with W of shape (I, O) and b of shape (O,).

    Args:
        inputs: I, the width of x.
        outputs: O, the width of y.
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``.
        bias: whether there is a b.
        needs_dx: whether the backward pass computes dx; a network's first layer need not.
    """

    W: Array
    dW: Array
    b: Array | None = None
    db: Array | None = None

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

    def shapes(self, width: int) -> dict[str, Shape]:
        """W, and b where there is one."""
        del width  # it has widths of its own
        W: dict[str, Shape] = {"W": (self.inputs, self.outputs)}
        return W | {"b": (self.outputs,)} if self.bias else W

    def forward(self, x: Array) -> Array:
        """y = x W + b."""
        self.x = x  # (N, I)
        y = self.buffer("y", len(x), self.outputs)  # (N, O)
        self.xp.matmul(x, self.W, out=y)
        if self.bias:
            self.xp.add(y, self.b, out=y)
        return y

    def backward(self, dy: Array) -> Array | None:
        """db = the column sums of dy, dW = xᵀ dy, dx = dy Wᵀ."""
        if self.bias:
            self.xp.sum(dy, axis=0, out=self.db)  # (O,)
        self.xp.matmul(self.x.T, dy, out=self.dW)  # (I, O)
        if not self.needs_dx:
            return None
        dx = self.buffer("dx", len(dy), self.inputs)  # (N, I)
        return self.xp.matmul(dy, self.W.T, out=dx)
