"""All-reduce: every worker gets the sum of all workers' arrays; and the two layers that do that."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from backends import Array, Backend
from mlp.nn.layers import Layer
from mlp.training.parallel.workers import WorkerGroup


class AllReduce:
    """Sums an array over all workers and gives each of them the result.

    Args:
        group: the workers.
        shape: of the array; a smaller batch takes its first rows.
        dtype: of the array.
    """

    def __init__(self, group: WorkerGroup, shape: tuple[int, ...], dtype: str) -> None:
        self._xp, self._group = group.xp, group
        # Two in turn: one worker may write its next part while another still sums these.
        self._parts = [[group.zeros(shape, dtype) for _ in range(group.size)] for _ in range(2)]
        self._turns = [0] * group.size

    def start(self, rank: int) -> None:
        """Begin with the first of the two buffers, after a barrier."""
        self._turns[rank] = 0

    def __call__(self, rank: int, part: Array, out: Array) -> Array:
        """Write the sum of all workers' parts to out; they have at most the rows of ``shape``."""
        parts = [whole[: len(part)] for whole in self._parts[self._turns[rank] % 2]]
        self._turns[rank] += 1
        self._xp.copyto(parts[rank], part)
        self._group.barrier(rank)
        self._xp.add(parts[0], parts[1], out=out)  # in the same order in all workers
        for other in parts[2:]:
            self._xp.add(out, other, out=out)
        return out


Sum = Callable[[Array, Array], Array]
"""An `AllReduce` with the rank bound: takes a part and where to write the sum."""


class SumOutputs(Layer):
    """y = Σ x over all workers: behind the second layer of a pair. dx = dy, alike in all.

    Megatron-LM's g.
    """

    def __init__(self, all_reduce: Sum, backend: Backend, dtype: str) -> None:
        super().__init__(backend, dtype)
        self._all_reduce = all_reduce

    def forward(self, x: Array) -> Array:
        """y = Σ x."""
        return self._all_reduce(x, self.buffer("y", *x.shape))  # (N, O)

    def backward(self, dy: Array) -> Array:
        """dx = dy, the same array."""
        return dy


class SumGradients(Layer):
    """y = x, alike in all workers: before the first layer of a pair. dx = Σ dy over all workers.

    Megatron-LM's f.
    """

    def __init__(self, all_reduce: Sum, backend: Backend, dtype: str) -> None:
        super().__init__(backend, dtype)
        self._all_reduce = all_reduce

    def forward(self, x: Array) -> Array:
        """y = x, the same array."""
        return x

    def backward(self, dy: Array) -> Array:
        """dx = Σ dy."""
        return self._all_reduce(dy, self.buffer("dx", *dy.shape))  # (N, I)


class Pair(NamedTuple):
    """The all-reduces of a sharded pair of linear layers."""

    inputs: AllReduce
    """The gradients of the first one's inputs, (N, I)."""
    outputs: AllReduce
    """The second one's outputs, (N, O)."""
    columns: AllReduce
    """A number for each of the second one's columns, (O,)."""
