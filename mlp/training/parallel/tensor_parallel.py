"""Tensor parallelism: a network in shards, of which each worker has one or more.

Of two linear layers in a row, a shard has some of the units between them: their columns of the
first matrix and their rows of the second. From the whole input it computes its units, and their
contribution to the second layer's output. An all-reduce sums these contributions, which is all that
the workers communicate: each computes the following layers in full, and has everything that the
gradients of its own weights need. In the backward pass a second all-reduce sums the gradients of
the first layer's input. How a network is cut depends on it and the batch alone, and the sums have
an order, so that any number of workers computes the same bytes.

Source: Shoeybi et al., Megatron-LM (2019), section 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from backends import Array
from mlp.common.threads import share_of
from mlp.nn.dropout import Dropout
from mlp.nn.layers import Chain, Layer, Linear
from mlp.nn.network import MLP
from mlp.training.parallel.all_reduce import (
    AllReduce,
    Meeting,
    Pair,
    Share,
    SumGradients,
    SumOutputs,
)
from mlp.training.parallel.replica import NetworkPart
from mlp.training.parallel.workers import WorkerGroup

MOST_SHARDS = 2
"""And so the most workers: the products of a worker that has two of four shards take a fifth longer
than those of one of two; see bench/LOG.md."""

WORTH_A_SHARD = 5e6
"""Floating-point operations of an update that justify one more shard; see bench/LOG.md."""

COST_OF_READING = 5.0
"""The time to read a number that another worker wrote, 0.13 ns, over the work for a weight and an
image, 0.026 ns."""


class ShardPlan(NamedTuple):
    """How a network is cut into shards."""

    shards: int
    """Their number; 1 where sharding no pair of layers pays."""
    pairs: list[int]
    """The pairs of linear layers to shard, each by the number of its first layer, from 0."""


WHOLE = ShardPlan(1, [])
"""A network that is not cut."""


def plan_shards(model: MLP, batch_size: int) -> ShardPlan:
    """Choose which pairs of layers to shard, and into how many shards, whatever the machine.

    With each further shard, there is less to compute in each and one more part of each sum to read.
    So the best number for a pair is about the square root of its weights, divided by the width of
    its sums times `COST_OF_READING`. Estimated on two cores.

    Args:
        model: the network.
        batch_size: images of an update.
    """
    sizes, pairs, total, most = model.sizes, [], 0.0, MOST_SHARDS
    for i, block in enumerate(model.blocks[:-1]):
        if not all(layer.elementwise and not layer.shapes(1) for layer in block[1:]):
            continue  # a layer between the two that needs all units, or has parameters of them
        weights = sizes[i + 1] * (sizes[i] + sizes[i + 2])
        operations = 6.0 * batch_size * weights
        sums = 2 if i else 1  # the first layer's input needs no gradient
        if operations >= 2 * sums * WORTH_A_SHARD and i - 1 not in pairs:  # each with its sums
            pairs.append(i)
            total += operations
            width = sizes[i + 2] + (sizes[i] if i else 0)
            most = min(most, sizes[i + 1], int(math.sqrt(weights / (width * COST_OF_READING))))
    shards = min(most, int(total // WORTH_A_SHARD))
    return ShardPlan(shards, pairs) if shards > 1 else WHOLE


class Shard(NetworkPart):
    """A part of a network; the parts of a worker are computed together, see `join_shards`.

    Args:
        model: the network.
        number: which shard this is, from 0.
        count: the number of shards.
        pairs: the all-reduces of each sharded pair of layers, by the number of its first layer.

    Attributes:
        rows, columns: which rows and columns of each whole W this shard has.
    """

    def __init__(self, model: MLP, number: int, count: int, pairs: dict[int, Pair]) -> None:
        self.number, self.count, self.pairs = number, count, pairs
        widths = model.sizes
        self.rows = [self._share(n, i - 1 in pairs) for i, n in enumerate(widths[:-1])]
        self.columns = [self._share(n, i in pairs) for i, n in enumerate(widths[1:])]
        super().__init__(model)

    def build(self) -> list[list[Layer]]:
        """Make the layers of this shard, with an all-reduce around each sharded pair."""
        return [self._block(i) for i in range(len(self.sizes) - 1)]

    def scatter(self, whole: Array, own: Array) -> None:
        """Copy this shard's part out of a flat array that is laid out as the network's parameters.

        Args:
            whole: the network's array, such as its parameters or their velocity, shape (P,).
            own: this shard's array, laid out as its own parameters.
        """
        for part, whole_part in self._views(whole, own):
            self.backend.xp.copyto(part, whole_part)

    def unshard(self, own: Array, whole: Array) -> None:
        """Copy this shard's flat array into its place in the network's."""
        for part, whole_part in self._views(whole, own):
            self.backend.xp.copyto(whole_part, part)

    def _share(self, width: int, is_shared: bool) -> slice:
        """Return which of a layer's units this shard has: a share, or all."""
        return share_of(width, self.number, self.count) if is_shared else slice(0, width)

    def _block(self, i: int) -> list[Layer]:
        """Make linear layer i, with an all-reduce before or behind it, and the layers after it."""
        device = self.backend, self.dtype
        first, second = self.pairs.get(i), self.pairs.get(i - 1)
        bias = self.bias and not (second and self.number)  # the sum must have it once
        inputs, outputs = _length(self.rows[i]), _length(self.columns[i])
        linear = Linear(inputs, outputs, *device, bias=bias, needs_dx=i > 0)
        alone = Share(0, range(self.number, self.number + 1))
        before = [SumGradients(first.inputs, alone, *device)] if first else []
        behind = [SumOutputs(second.outputs, alone, *device)] if second else []
        return [*before, linear, *behind, *self.layers_after(i)]

    def _views(self, whole: Array, own: Array) -> Iterator[tuple[Array, Array]]:
        """Yield each parameter of this shard's flat array, with its place in the network's."""
        model = self.model
        for i, (layer, other) in enumerate(zip(self.linear, model.linear, strict=True)):
            W = model.view(whole, other, "W")
            yield self.view(own, layer, "W"), W[self.rows[i], self.columns[i]]
            if layer.bias:
                b = model.view(whole, other, "b")
                yield self.view(own, layer, "b"), b[self.columns[i]]
        for own_block, block in zip(self.blocks, model.blocks, strict=True):
            count = len(block) - 1  # the layers after the linear one, alike in all workers
            for ours, theirs in zip(own_block[len(own_block) - count :], block[1:], strict=True):
                for name in theirs.shapes(1):
                    yield self.view(own, ours, name), model.view(whole, theirs, name)


class ShardLayers(Layer):
    """The layers that stand at one place of a worker's shards.

    Its inputs, outputs and gradients are lists, of an array for each shard.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers

    def forward(self, x: list[Array]) -> list[Array]:
        """Compute the outputs of each shard."""
        return [layer.forward(own) for layer, own in zip(self.layers, x, strict=True)]

    def backward(self, dy: list[Array]) -> list[Array] | None:
        """Compute the gradients of each shard."""
        dx = [layer.backward(own) for layer, own in zip(self.layers, dy, strict=True)]
        return None if dx[0] is None else dx


def join_shards(shards: Sequence[Chain], share: Share) -> Chain:
    """Join the shards of a worker to a chain that computes the whole's outputs.

    Between the two layers of a pair the shards have units of their own. All other layers are
    alike, and it takes those of its first shard.

    Args:
        shards: the worker's, or what they are while they learn.
        share: which these are.
    """
    joined, within = Chain(), False
    joined.layers = []
    for layers in zip(*(shard.layers for shard in shards), strict=True):
        first = layers[0]
        if isinstance(first, Meeting):
            within = isinstance(first, SumGradients)
            joined.layers.append(first.for_share(share))
        elif within and isinstance(first, Dropout) and isinstance(joined.layers[-1], SumGradients):
            joined.layers.insert(-1, first)  # of inputs that the shards have in common
        else:
            joined.layers.append(ShardLayers(layers) if within else first)
    return joined


def make_shards(model: MLP, batch_size: int, group: WorkerGroup, plan: ShardPlan) -> list[Shard]:
    """Cut a network into shards.

    Args:
        model: the network.
        batch_size: the most images of a batch.
        group: the workers.
        plan: how to cut it.
    """
    count, sizes = plan.shards, model.sizes

    def all_reduce(*shape: int) -> AllReduce:
        return AllReduce(group, model.backend, count, shape, model.dtype)

    sums = {
        i: Pair(
            inputs=all_reduce(batch_size if i else 0, sizes[i]),
            outputs=all_reduce(batch_size, sizes[i + 2]),
            columns=all_reduce(sizes[i + 2]),
        )
        for i in plan.pairs
    }
    return [Shard(model, number, count, sums) for number in range(count)]


def _length(part: slice) -> int:
    length: int = part.stop - part.start
    return length
