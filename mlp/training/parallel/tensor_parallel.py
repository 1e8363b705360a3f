"""Tensor parallelism: a network in shards, one for each worker.

Of two linear layers in a row, a worker has some of the units between them: their columns of the
first matrix and their rows of the second. From the whole input it computes its units, and their
contribution to the second layer's output. An all-reduce sums these contributions, which is all that
the workers communicate: each computes the following layers in full, and has everything that the
gradients of its own weights need. In the backward pass a second all-reduce sums the gradients of
the first layer's input.

Source: Shoeybi et al., Megatron-LM (2019), section 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from backends import Array
from mlp.common.threads import share_of
from mlp.nn.layers import Layer, Linear
from mlp.nn.network import MLP
from mlp.training.parallel.all_reduce import AllReduce, Pair, SumGradients, SumOutputs
from mlp.training.parallel.replica import NetworkPart
from mlp.training.parallel.workers import WorkerGroup

WORTH_A_PROCESS = 5e6
"""Floating-point operations of an update that justify one more process; see bench/LOG.md."""

WORTH_A_THREAD = 30e6
"""The same for one more thread."""

COST_OF_READING = 5.0
"""The time to read a number that another worker wrote, 0.13 ns, over the work for a weight and an
image, 0.026 ns."""


class ShardPlan(NamedTuple):
    """How a network is cut into shards."""

    workers: int
    """The number of shards; 1 where sharding no pair of layers pays."""
    pairs: list[int]
    """The pairs of linear layers to shard, each by the number of its first layer, from 0."""


def plan_shards(model: MLP, batch_size: int, cores: int, *, processes: bool) -> ShardPlan:
    """Choose which pairs of layers to shard, and across how many workers.

    With each further worker, each has less to compute and one more part of each sum to read. So
    the best number for a pair is about the square root of its weights, divided by the width of its
    sums times `COST_OF_READING`. Estimated on two cores.

    Args:
        model: the network.
        batch_size: images of an update.
        cores: how many the device has.
        processes: whether the workers would be processes; threads cost more.
    """
    worth = WORTH_A_PROCESS if processes else WORTH_A_THREAD
    sizes, pairs, total, most = model.sizes, [], 0.0, cores
    for i, block in enumerate(model.blocks[:-1]):
        if not all(layer.elementwise and not layer.shapes(1) for layer in block[1:]):
            continue  # a layer between the two that needs all units, or has parameters of them
        weights = sizes[i + 1] * (sizes[i] + sizes[i + 2])
        operations = 6.0 * batch_size * weights
        sums = 2 if i else 1  # the first layer's input needs no gradient
        if operations >= 2 * sums * worth and i - 1 not in pairs:  # for two, each with its sums
            pairs.append(i)
            total += operations
            width = sizes[i + 2] + (sizes[i] if i else 0)
            most = min(most, sizes[i + 1], int(math.sqrt(weights / (width * COST_OF_READING))))
    workers = min(most, int(total // worth)) if pairs else 1
    return ShardPlan(workers, pairs) if workers > 1 else ShardPlan(1, [])


class Shard(NetworkPart):
    """A worker's part of a network: called in all workers at once, it computes the whole's outputs.

    It has parameters of its own, in memory that all workers share.

    Args:
        model: the network.
        group: the workers.
        rank: which of them this is.
        pairs: the all-reduces of each sharded pair of layers, by the number of its first layer.

    Attributes:
        rows, columns: which rows and columns of each whole W this shard has.
    """

    def __init__(self, model: MLP, group: WorkerGroup, rank: int, pairs: dict[int, Pair]) -> None:
        self.group, self.rank, self.pairs = group, rank, pairs
        widths = model.sizes
        self.rows = [self._share(n, i - 1 in pairs) for i, n in enumerate(widths[:-1])]
        self.columns = [self._share(n, i in pairs) for i, n in enumerate(widths[1:])]
        super().__init__(model)

    def build(self) -> list[list[Layer]]:
        """Make the layers of this shard, with an all-reduce around each sharded pair."""
        return [self._block(i) for i in range(len(self.sizes) - 1)]

    def allocate(self, count: int) -> Array:
        """Put the parameters into memory that all workers share."""
        return self.group.zeros(count, self.dtype)

    def scatter(self, whole: Array, own: Array) -> None:
        """Copy this shard's part out of a flat array that is laid out as the network's parameters.

        Args:
            whole: the network's array, such as its parameters or their velocity, shape (P,).
            own: this shard's array, laid out as its own parameters.
        """
        for part, whole_part in self._views(whole, own):
            self.backend.xp.copyto(part, whole_part)

    def gather(self, own: Array, whole: Array) -> None:
        """Copy this shard's flat array into its place in the network's."""
        for part, whole_part in self._views(whole, own):
            self.backend.xp.copyto(whole_part, part)

    def start_span(self) -> None:
        """Begin a span of updates, after a barrier."""
        for pair in self.pairs.values():
            for all_reduce in pair:
                all_reduce.start(self.rank)

    def _share(self, width: int, is_shared: bool) -> slice:
        """Return which of a layer's units this worker has: a share, or all."""
        return share_of(width, self.rank, self.group.size) if is_shared else slice(0, width)

    def _block(self, i: int) -> list[Layer]:
        """Make linear layer i, with an all-reduce before or behind it, and the layers after it."""
        device = self.backend, self.dtype
        first, second = self.pairs.get(i), self.pairs.get(i - 1)
        bias = self.bias and not (second and self.rank)  # the sum must have it once
        inputs, outputs = _length(self.rows[i]), _length(self.columns[i])
        linear = Linear(inputs, outputs, *device, bias=bias, needs_dx=i > 0)
        before: list[Layer] = []
        if first and i:
            before.append(SumGradients(partial(first.inputs, self.rank), *device))
        behind: list[Layer] = []
        if second:
            behind.append(SumOutputs(partial(second.outputs, self.rank), *device))
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


def make_shards(
    model: MLP, batch_size: int, group: WorkerGroup, pairs: Sequence[int]
) -> list[Shard]:
    """Cut a network into a shard for each worker.

    Args:
        model: the network.
        batch_size: the most images of a batch.
        group: the workers.
        pairs: the pairs of layers to shard, as `plan_shards` returns them.
    """
    sums = {
        i: Pair(
            inputs=AllReduce(group, (batch_size if i else 0, model.sizes[i]), model.dtype),
            outputs=AllReduce(group, (batch_size, model.sizes[i + 2]), model.dtype),
            columns=AllReduce(group, (model.sizes[i + 2],), model.dtype),
        )
        for i in pairs
    }
    return [Shard(model, group, rank, sums) for rank in range(group.size)]


def _length(part: slice) -> int:
    length: int = part.stop - part.start
    return length
