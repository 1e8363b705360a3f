"""Tensor parallelism: a network in shards, of which each lane has one.

Of two linear layers in a row, a lane has some of the units between them: their columns of the first
matrix and their rows of the second. From the whole input it computes its units, and what they give
to the second layer's output. To add that up is all that the lanes have to tell each other: what
follows they compute alike, and each has all that the gradients of its own weights need.

Source: Shoeybi et al., Megatron-LM (2019), section 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from backends import Array, Backend
from mlp.nn.layers import Layer, Linear
from mlp.nn.network import MLP
from mlp.training.parallel.workers import Crew

WORTH_A_PROCESS = 5e6
"""Floating-point operations of an update from which on a process more pays; see bench/LOG.md."""

WORTH_A_THREAD = 30e6
"""The same for a thread."""

COST_OF_READING = 5.0
"""A number of another lane's, 0.13 ns, over the work for a weight and an image, 0.026 ns."""


class Sharing(NamedTuple):
    """How a network is cut into shards."""

    lanes: int
    """How many there are; one where no pair of layers is worth it."""
    pairs: list[int]
    """The pairs of linear layers that are shared out, by the first of both."""


def worthwhile_sharing(
    sizes: Sequence[int], batch_size: int, cores: int, *, forks: bool
) -> Sharing:
    """Tell how to share an update out.

    With each further lane there is less to compute for each, and another's part of each sum to
    read. So the best number for a pair is about the square root of its weights over the width of
    its sums and what a number of these costs. An estimate from two cores.

    Args:
        sizes: the widths of the network.
        batch_size: images of an update.
        cores: how many the device has.
        forks: whether the lanes would be processes; threads cost more.
    """
    worth = WORTH_A_PROCESS if forks else WORTH_A_THREAD
    pairs: list[int] = []
    total, most = 0.0, cores
    for i in range(len(sizes) - 2):
        weights = sizes[i + 1] * (sizes[i] + sizes[i + 2])
        operations = 6.0 * batch_size * weights
        sums = 2 if i else 1  # the first layer's input needs no gradient
        if operations >= 2 * sums * worth and i - 1 not in pairs:  # for two lanes, each its sums
            pairs.append(i)
            total += operations
            width = sizes[i + 2] + (sizes[i] if i else 0)
            most = min(most, sizes[i + 1], int(math.sqrt(weights / (width * COST_OF_READING))))
    lanes = min(most, int(total // worth)) if pairs else 1
    return Sharing(lanes, pairs) if lanes > 1 else Sharing(1, [])


class AllReduce:
    """The sum over the lanes of an array that each of them has.

    Args:
        crew: the lanes.
        shape: of the array; a smaller batch takes its first rows.
        dtype: of the array.
    """

    def __init__(self, crew: Crew, shape: tuple[int, ...], dtype: str) -> None:
        self._xp, self._meet = crew.xp, crew.meet
        # Two in turn: one lane may write its next part while another still adds this one up.
        self._parts = [[crew.zeros(shape, dtype) for _ in range(crew.size)] for _ in range(2)]
        self._turns = [0] * crew.size

    def begin(self, lane: int) -> None:
        """Begin with the first turn, after a meeting of the lanes."""
        self._turns[lane] = 0

    def __call__(self, lane: int, part: Array, out: Array) -> Array:
        """Write the sum of all lanes' parts, which have at most the rows of ``shape``, to out."""
        parts = [whole[: len(part)] for whole in self._parts[self._turns[lane] % 2]]
        self._turns[lane] += 1
        self._xp.copyto(parts[lane], part)
        self._meet(lane)
        self._xp.add(parts[0], parts[1], out=out)  # in the same order in all lanes
        for other in parts[2:]:
            self._xp.add(out, other, out=out)
        return out


Sum = Callable[[Array, Array], Array]
"""An `AllReduce` as one of the lanes calls it."""


class SumOutputs(Layer):
    """y = Σ x over the lanes: behind the second layer of a pair. dx = dy, which all have alike."""

    def __init__(self, add_up: Sum, backend: Backend, dtype: str) -> None:
        super().__init__(backend, dtype)
        self._add_up = add_up

    def forward(self, x: Array) -> Array:
        """y = Σ x."""
        return self._add_up(x, self.buffer("y", *x.shape))  # (N, O)

    def backward(self, dy: Array) -> Array:
        """dx = dy, the same array."""
        return dy


class SumGradients(Layer):
    """y = x, which all lanes have alike: before the first layer of a pair. dx = Σ dy over them."""

    def __init__(self, add_up: Sum, backend: Backend, dtype: str) -> None:
        super().__init__(backend, dtype)
        self._add_up = add_up

    def forward(self, x: Array) -> Array:
        """y = x, the same array."""
        return x

    def backward(self, dy: Array) -> Array:
        """dx = Σ dy."""
        return self._add_up(dy, self.buffer("dx", *dy.shape))  # (N, I)


class Pair(NamedTuple):
    """What is added up over the lanes of two linear layers in a row."""

    inputs: AllReduce
    """The gradients of the first one's inputs, (N, I)."""
    outputs: AllReduce
    """The second one's outputs, (N, O)."""
    columns: AllReduce
    """A number for each of the second one's columns, (O,)."""


class Shard(MLP):
    """A lane's part of a network: called in all lanes at once, it gives what the network would.

    Its parameters are its own, in memory that all lanes see.

    Args:
        model: the network.
        crew: the lanes.
        lane: which of them this is.
        pairs: the pairs of layers that are shared out, by the first of both.
    """

    def __init__(self, model: MLP, crew: Crew, lane: int, pairs: dict[int, Pair]) -> None:
        self.sizes, self.backend, self.dtype = model.sizes, model.backend, model.dtype
        self.activation, self.output, self.bias = model.activation, model.output, model.bias
        self._model, self._lanes, self._lane, self._pairs = model, crew.size, lane, pairs
        self._build()
        P = self.weight_count + self.bias_count
        self.parameters = crew.zeros(P, self.dtype)  # (P,)
        self.bind(self.backend.xp.zeros_like(self.parameters))

    def load(self) -> None:
        """Take the network's parameters."""
        for own, whole in self._parameters():
            self.backend.xp.copyto(own, whole)

    def store(self) -> None:
        """Put the parameters where the network has them."""
        for own, whole in self._parameters():
            self.backend.xp.copyto(whole, own)

    def begin(self) -> None:
        """Begin a span of updates, after a meeting of the lanes."""
        for pair in self._pairs.values():
            for all_reduce in pair:
                all_reduce.begin(self._lane)

    def column_sums(self) -> dict[int, Sum]:
        """Return what adds up over the columns of those linear layers whose rows are shared out."""
        return {i + 1: partial(pair.columns, self._lane) for i, pair in self._pairs.items()}

    def _layers(self) -> list[Layer]:
        layers: list[Layer] = []
        activations = super()._layers()[1::2]
        device = self.backend, self.dtype
        for i, (inputs, outputs) in enumerate(pairwise(self.sizes)):
            first, second = self._pairs.get(i), self._pairs.get(i - 1)
            rows = self._share(inputs) if second else slice(0, inputs)
            columns = self._share(outputs) if first else slice(0, outputs)
            self.parts[i] = rows, columns
            if first and i:
                layers.append(SumGradients(partial(first.inputs, self._lane), *device))
            bias = self.bias and not (second and self._lane)  # is in the sum once
            shape = rows.stop - rows.start, columns.stop - columns.start
            layers.append(Linear(*shape, *device, bias=bias, needs_dx=i > 0))
            if second:
                layers.append(SumOutputs(partial(second.outputs, self._lane), *device))
            layers.append(activations[i])
        return layers

    def _share(self, width: int) -> slice:
        """Return which units of a layer are this lane's."""
        return slice(width * self._lane // self._lanes, width * (self._lane + 1) // self._lanes)

    def _parameters(self) -> list[tuple[Array, Array]]:
        """Return this shard's arrays, each with the part of the network's that it stands for."""
        found: list[tuple[Any, Any]] = []
        for own, whole, part in zip(self.linear, self._model.linear, self.parts, strict=True):
            found.append((own.W, whole.W[part]))
            if own.b is not None and whole.b is not None:
                found.append((own.b, whole.b[part[1]]))
        return found


def shards(model: MLP, batch_size: int, crew: Crew, pairs: Sequence[int]) -> list[Shard]:
    """Cut a network into a shard for each lane.

    Args:
        model: the network.
        batch_size: the most images of a batch.
        crew: the lanes.
        pairs: the pairs of layers to share out, as `worthwhile_sharing` tells them.
    """
    sums = {
        i: Pair(
            inputs=AllReduce(crew, (batch_size if i else 0, model.sizes[i]), model.dtype),
            outputs=AllReduce(crew, (batch_size, model.sizes[i + 2]), model.dtype),
            columns=AllReduce(crew, (model.sizes[i + 2],), model.dtype),
        )
        for i in pairs
    }
    return [Shard(model, crew, lane, sums) for lane in range(crew.size)]
