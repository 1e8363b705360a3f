"""All-reduce: every worker gets the sum of all shards' arrays; and the two layers that do that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

from backends import Array, Backend
from mlp.nn.layers import Layer
from mlp.training.parallel.workers import WorkerGroup


class Share(NamedTuple):
    """Which shards of a network a worker computes."""

    worker: int
    """The worker."""
    shards: range
    """Its shards, by number."""


class AllReduce:
    """Sums an array over all shards of a network and gives each worker the result.

    Args:
        group: the workers.
        backend: the device.
        count: the number of shards.
        shape: of the array; a smaller batch takes its first rows.
        dtype: of the array.
    """

    def __init__(
        self, group: WorkerGroup, backend: Backend, count: int, shape: tuple[int, ...], dtype: str
    ) -> None:
        self._xp, self._group = backend.xp, group
        # Two in turn: one worker may write its next parts while another still sums these.
        self._parts = [
            [backend.xp.zeros(shape, dtype=dtype) for _ in range(count)] for _ in range(2)
        ]
        self._turns = [0] * group.size

    def start(self, worker: int) -> None:
        """Begin with the first of the two buffers, after a barrier."""
        self._turns[worker] = 0

    def __call__(self, share: Share, own: Sequence[Array], out: Array) -> Array:
        """Write the sum of all shards' parts to out.

        Args:
            share: whose shards' parts are given.
            own: these, each of at most the rows of ``shape``.
            out: where to write the sum.
        """
        parts: Sequence[Array] = own
        if len(own) < len(self._parts[0]):  # others have the rest
            parts = self._exchange(share, own, len(out))
        self._xp.add(parts[0], parts[1], out=out)  # in the same order, whoever has which shard
        for other in parts[2:]:
            self._xp.add(out, other, out=out)
        return out

    def _exchange(self, share: Share, own: Sequence[Array], rows: int) -> list[Array]:
        """Return the parts of all shards, of so many rows, once all workers have written theirs."""
        parts = [whole[:rows] for whole in self._parts[self._turns[share.worker] % 2]]
        self._turns[share.worker] += 1
        for number, part in zip(share.shards, own, strict=True):
            self._xp.copyto(parts[number], part)
        self._group.barrier(share.worker)
        return parts


class Meeting(Layer):
    """A layer between what a worker computes once and what it computes for each of its shards.

    Args:
        all_reduce: sums over all shards.
        share: the worker's shards.
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``.
    """

    def __init__(self, all_reduce: AllReduce, share: Share, backend: Backend, dtype: str) -> None:
        super().__init__(backend, dtype)
        self._all_reduce, self._share, self._device = all_reduce, share, (backend, dtype)

    def for_share(self, share: Share) -> Self:
        """Return the same for a worker of several shards."""
        return type(self)(self._all_reduce, share, *self._device)


class SumOutputs(Meeting):
    """y = Σ x over all shards: behind the second layer of a pair. dx = dy, for each shard.

    Megatron-LM's g.
    """

    def forward(self, x: list[Array]) -> Array:
        """y = Σ x."""
        return self._all_reduce(self._share, x, self.buffer("y", *x[0].shape))  # (N, O)

    def backward(self, dy: Array) -> list[Array]:
        """dx = dy, the same array for each shard."""
        return [dy] * len(self._share.shards)


class SumGradients(Meeting):
    """y = x, for each shard: before the first layer of a pair. dx = Σ dy over all shards.

    Megatron-LM's f.
    """

    def forward(self, x: Array) -> list[Array]:
        """y = x, the same array for each shard."""
        return [x] * len(self._share.shards)

    def backward(self, dy: list[Array]) -> Array:
        """dx = Σ dy."""
        return self._all_reduce(self._share, dy, self.buffer("dx", *dy[0].shape))  # (N, I)


class Pair(NamedTuple):
    """The all-reduces of a sharded pair of linear layers."""

    inputs: AllReduce
    """The gradients of the first one's inputs, (N, I)."""
    outputs: AllReduce
    """The second one's outputs, (N, O)."""
    columns: AllReduce
    """A number for each of the second one's columns, (O,)."""
