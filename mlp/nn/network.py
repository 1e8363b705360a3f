"""The multilayer perceptron: linear layers with activations between them, on flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import pairwise

from backends import Array, Backend, get_backend
from mlp.common.errors import UsageError
from mlp.common.rng import generator
from mlp.common.whole import as_whole
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.initializers import draw
from mlp.nn.layers import Chain, Layer, Linear

DTYPES = ("float32", "float64")


class MLP(Chain):
    """A network of fully connected layers.

    Args:
        sizes: the width of the input, of each hidden layer and of the output, such as
            ``[784, 256, 128, 10]``.
        activation: what follows each hidden layer: ``relu``, ``leaky_relu``, ``sigmoid``,
            ``tanh`` or ``identity``.
        output: what follows the last layer; ``identity`` leaves logits.
        bias: whether the layers have biases.
        init: how the weights start; see `mlp.nn.initializers.draw`.
        bias_init: how the biases start.
        seed: the seed of these draws.
        dtype: ``"float32"`` or ``"float64"``.
        backend: the device; the CPU unless given.

    Attributes:
        parameters: all weights, layer by layer, then all biases: a flat array, shape (P,).
        gradients: their gradients in the same order; each backward pass overwrites them.
        weight_count, bias_count: how many of the parameters are weights and biases.
        parts: which rows and columns of each whole W the layers have: all.
        init, bias_init, seed: how the parameters started.
        metadata: what the layers of the program above tell of this model and save with it; see
            `mlp.models.metadata.metadata_of`. None for one that was just made.

    Raises:
        UsageError: if a size is not positive or a name is unknown.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        output: str = "identity",
        *,
        bias: bool = True,
        init: str = "he_normal",
        bias_init: str = "zeros",
        seed: int = 0,
        dtype: str = "float32",
        backend: Backend | None = None,
    ) -> None:
        self.sizes = _check(sizes, activation, output, dtype)
        self.activation, self.output, self.bias, self.dtype = activation, output, bias, dtype
        self.backend = backend if backend is not None else get_backend("cpu")
        self.init, self.bias_init, self.seed = init, bias_init, seed
        self.metadata: object | None = None
        self._build()
        self.parameters = self.backend.xp.zeros(self.weight_count + self.bias_count, dtype=dtype)
        self.bind(self.backend.xp.zeros_like(self.parameters))
        self._draw(init, bias_init, seed)

    def __repr__(self) -> str:
        return f"MLP({'-'.join(map(str, self.sizes))}, {self.activation}, {self.dtype})"

    def twin(self) -> MLP:
        """Make a network on the same parameters, with gradients and buffers of its own."""
        twin = copy(self)
        twin._build()
        twin.bind(self.backend.xp.zeros_like(self.parameters))
        return twin

    def bind(self, gradients: Array) -> None:
        """Let the backward passes write into other flat gradients, shape (P,)."""
        self.gradients = gradients
        flats, w, v = (self.parameters, gradients), 0, self.weight_count
        for layer in self.linear:
            shape, size = (layer.inputs, layer.outputs), layer.inputs * layer.outputs
            W, dW = (flat[w : w + size].reshape(shape) for flat in flats)
            b, db = (flat[v : v + layer.outputs] if layer.bias else None for flat in flats)
            layer.bind(W, dW, b, db)
            w, v = w + size, v + layer.outputs * layer.bias

    def _build(self) -> None:
        self.parts = [(slice(0, n), slice(0, m)) for n, m in pairwise(self.sizes)]
        self.layers = self._layers()
        self.linear = [layer for layer in self.layers if isinstance(layer, Linear)]
        self.weight_count = sum(layer.inputs * layer.outputs for layer in self.linear)
        self.bias_count = sum(layer.outputs for layer in self.linear if layer.bias)

    def _layers(self) -> list[Layer]:
        layers: list[Layer] = []
        device, last = (self.backend, self.dtype), len(self.sizes) - 2
        for i, (inputs, outputs) in enumerate(pairwise(self.sizes)):
            layers.append(Linear(inputs, outputs, *device, bias=self.bias, needs_dx=i > 0))
            layers.append(ACTIVATIONS[self.output if i == last else self.activation](*device))
        return layers

    def _draw(self, weights: str, biases: str, seed: int) -> None:
        rng = generator(seed, "parameters")
        for layer in self.linear:
            fans = layer.inputs, layer.outputs
            layer.W[...] = self.backend.asarray(draw(weights, rng, *fans, fans), self.dtype)
            if layer.b is not None:
                b = draw(biases, rng, *fans, (layer.outputs,))
                layer.b[...] = self.backend.asarray(b, self.dtype)


def _check(sizes: Sequence[int], activation: str, output: str, dtype: str) -> tuple[int, ...]:
    """Refuse what makes no network; return the sizes as plain ints."""
    whole = tuple(as_whole(size) or 0 for size in sizes)
    if len(whole) < 2 or min(whole) <= 0:
        raise UsageError(
            f"a network needs an input and an output width or more, all positive, not {list(sizes)}"
        )
    for name in (activation, output):
        if name not in ACTIVATIONS:
            raise UsageError(
                f"there is no activation {name!r}: choose one of {', '.join(ACTIVATIONS)}"
            )
    if dtype not in DTYPES:
        raise UsageError(f"there is no dtype {dtype!r}: choose float32 or float64")
    return whole
