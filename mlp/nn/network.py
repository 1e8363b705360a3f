"""The multilayer perceptron: linear layers with activations between them, on flat arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import prod
from typing import Any

from backends import Array, Backend, get_backend
from mlp.common.errors import UsageError
from mlp.common.registry import split_choices
from mlp.common.rng import generator
from mlp.common.whole import as_whole
from mlp.nn.initializers import draw
from mlp.nn.layers import LAYERS, Chain, Layer, Linear, Shape
from mlp.nn.shown import html_of

DTYPES = ("float32", "float64")

MOST_AFTER = 100
"""Activations after one linear layer: a file of a few bytes could name more than memory holds."""


class MLP(Chain):
    """A network of fully connected layers.

    Args:
        sizes: the width of the input, of each hidden layer and of the output, such as
            ``[784, 256, 128, 10]``.
        activation: what follows each hidden linear layer: one of `mlp.nn.layers.LAYERS`, such as
            ``relu`` or ``leaky_relu(0.1)``, or several with commas between.
        output: what follows the last linear layer; ``identity`` leaves logits.
        bias: whether the linear layers have biases.
        init: how the weights start; see `mlp.nn.initializers.INITIALIZERS`. None leaves them 0,
            for callers that fill them in.
        bias_init: how the biases start; the same names.
        seed: the seed of these draws.
        dtype: ``"float32"`` or ``"float64"``.
        backend: the device; the CPU unless given.

    Attributes:
        blocks: the layers in groups, each of a linear layer and what follows it.
        linear: the linear layers.
        parameters: all weights, layer by layer, then all biases: a flat array, shape (P,).
        gradients: their gradients in the same order; each backward pass overwrites them.
        weight_count, bias_count: how many of the parameters are weights and biases.
        init, bias_init, seed: how the parameters started.
        metadata: what is known of this model besides, and saved with it; see
            `mlp.models.metadata.metadata_of`. None for one that was just made.
        networks: how many networks' units stand side by side in each layer; see `mlp.nn.stack`.

    Raises:
        UsageError: if a size or the seed is no such number, or a name is unknown.
    """

    networks = 1

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        output: str = "identity",
        *,
        bias: bool = True,
        init: str | None = "he_normal",
        bias_init: str = "zeros",
        seed: int = 0,
        dtype: str = "float32",
        backend: Backend | None = None,
    ) -> None:
        if dtype not in DTYPES:
            raise UsageError(f"there is no dtype {dtype!r}: choose float32 or float64")
        for name in (activation, output):
            if len(split_choices(name)) > MOST_AFTER:
                raise UsageError(
                    f"a layer is followed by {MOST_AFTER} activations at most: name fewer than "
                    f"{len(split_choices(name)):,}"
                )
        for choice in split_choices(activation):
            LAYERS.parse(choice)  # raises for an unknown name, even if there is no hidden layer
        self.sizes = _checked(sizes)
        self.activation, self.output, self.bias, self.dtype = activation, output, bias, dtype
        self.backend = backend if backend is not None else get_backend("cpu")
        self.init, self.bias_init, self.seed = init, bias_init, seed
        self.metadata: object | None = None
        self.blocks = self.build()
        self.layers = [layer for block in self.blocks for layer in block]
        self.linear = [layer for layer in self.layers if isinstance(layer, Linear)]
        self._bind()
        if init is not None:
            self._draw(init, bias_init, seed)

    @property
    def options(self) -> dict[str, Any]:
        """What, beside sizes, makes a network of the same layers, dtype and device, undrawn."""
        return {
            "activation": self.activation,
            "output": self.output,
            "bias": self.bias,
            "init": None,
            "dtype": self.dtype,
            "backend": self.backend,
        }

    def __repr__(self) -> str:
        return f"MLP({'-'.join(map(str, self.sizes))}, {self.activation}, {self.dtype})"

    def _repr_html_(self) -> str:
        """Show the layers and pictures of the first weights in a notebook."""
        title = (
            f"MLP {'-'.join(map(str, self.sizes))}: {self.parameters.size:,} parameters, "
            f"{self.dtype}, on {self.backend.name}"
        )
        # What is known of the images stands above the mathematics, which just carries it.
        shape = getattr(getattr(self.metadata, "dataset", None), "image_shape", None)
        W = self.backend.to_numpy(self.linear[0].W)  # (I, O)
        return html_of(title, self.blocks, self.sizes[1:], W, shape)

    def build(self) -> list[list[Layer]]:
        """Make the layers, in blocks, without parameters: `_bind` gives them theirs."""
        return [
            [
                Linear(
                    inputs, outputs, self.backend, self.dtype, bias=self.bias, needs_dx=number > 0
                ),
                *self.layers_after(number),
            ]
            for number, (inputs, outputs) in enumerate(pairwise(self.sizes))
        ]

    def layers_after(self, number: int) -> list[Layer]:
        """Make the layers that follow a linear layer, which is counted from 0."""
        choices = self.output if number == len(self.sizes) - 2 else self.activation
        return [LAYERS.make(choice, self.backend, self.dtype) for choice in split_choices(choices)]

    def allocate(self, count: int) -> Array:
        """Make the flat array of the parameters: zeros, shape (count,)."""
        return self.backend.xp.zeros(count, dtype=self.dtype)

    def view(self, flat: Array, layer: Layer, name: str) -> Array:
        """Return one parameter's part of a flat array (P,), in the parameter's shape: a view."""
        start, stop, shape = self._places[layer, name]
        return flat[start:stop].reshape(shape)

    def named_parameters(self) -> dict[str, Array]:
        """Return the parameters, views of the flat array, by name.

        ``layers.K.W`` and ``layers.K.b`` are the K-th linear layer's, from 0; ``layers.K.J.name``
        are those of the J-th layer that follows it, from 1, where such a layer has some.
        """
        return {
            f"layers.{k}.{f'{j}.' if j else ''}{name}": getattr(layer, name)
            for k, (block, width) in enumerate(zip(self.blocks, self.sizes[1:], strict=True))
            for j, layer in enumerate(block)
            for name in layer.shapes(width)
        }

    def _bind(self) -> None:
        """Lay all parameters out in one flat array, weights first, and hand the layers views."""
        shapes = [
            (layer, name, shape)
            for block, width in zip(self.blocks, self.sizes[1:], strict=True)
            for layer in block
            for name, shape in layer.shapes(width).items()
        ]
        weights = [entry for entry in shapes if len(entry[2]) > 1]
        biases = [entry for entry in shapes if len(entry[2]) == 1]
        self.weight_count = sum(prod(shape) for _, _, shape in weights)
        self.bias_count = sum(prod(shape) for _, _, shape in biases)
        self.parameters = self.allocate(self.weight_count + self.bias_count)  # (P,)
        self.gradients = self.backend.xp.zeros_like(self.parameters)  # (P,)
        self._places: dict[tuple[Layer, str], tuple[int, int, Shape]] = {}
        start = 0
        for layer, name, shape in [*weights, *biases]:
            stop = start + prod(shape)
            self._places[layer, name] = start, stop, shape
            start = stop
            flats = self.parameters, self.gradients
            parameter, gradient = (self.view(flat, layer, name) for flat in flats)
            layer.bind({name: parameter}, {name: gradient})

    def _draw(self, weights: str, biases: str, seed: int) -> None:
        """Draw the parameters layer by layer, those of each in the order of its `shapes`."""
        whole = as_whole(seed)
        if whole is None or whole < 0:
            raise UsageError(f"the seed must be a whole number of at least 0, not {seed!r}")
        rng = generator(whole, "parameters")
        for block, (inputs, outputs) in zip(self.blocks, pairwise(self.sizes), strict=True):
            for layer in block:
                for name, shape in layer.shapes(outputs).items():
                    init = layer.starts.get(name) or (weights if len(shape) > 1 else biases)
                    values = draw(init, rng, inputs, outputs, shape)
                    getattr(layer, name)[...] = self.backend.asarray(values, self.dtype)


def _checked(sizes: Sequence[int]) -> tuple[int, ...]:
    given = list(sizes) if isinstance(sizes, Iterable) else sizes
    whole = tuple(as_whole(size) or 0 for size in given) if isinstance(given, list) else ()
    if len(whole) < 2 or min(whole) <= 0:
        raise UsageError(
            f"a network needs an input and an output width or more, all positive, not {given}"
        )
    return whole
