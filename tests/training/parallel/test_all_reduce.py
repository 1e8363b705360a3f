"""All-reduce: one sum, to the bit, in all workers."""

from __future__ import annotations

import numpy as np

from backends import get_backend
from mlp.training.parallel.all_reduce import AllReduce
from mlp.training.parallel.workers import WorkerGroup


def test_a_sum_over_workers_takes_smaller_batches_too() -> None:
    group = WorkerGroup(3, get_backend("cpu"))
    all_reduce = AllReduce(group, (4, 2), "float64")
    sums = np.zeros((3, 5, 3, 2))

    def target(rank: int) -> None:
        for turn in range(5):
            all_reduce(rank, np.full((3, 2), 10.0**rank * (turn + 1)), sums[rank, turn])

    group.run(target, 0)
    for turn in range(5):
        assert (sums[:, turn] == 111.0 * (turn + 1)).all()


def test_a_sum_is_the_same_in_all_workers_to_the_bit() -> None:
    """Floating-point addition is not associative, so all have to add up in one order."""
    group = WorkerGroup(3, get_backend("cpu"))
    all_reduce = AllReduce(group, (40, 30), "float32")
    parts = np.random.default_rng(0).normal(size=(3, 40, 30)).astype(np.float32)
    sums = np.zeros_like(parts)

    def target(rank: int) -> None:
        all_reduce(rank, parts[rank], sums[rank])

    group.run(target, 0)
    np.testing.assert_array_equal(sums[1], sums[0])
    np.testing.assert_array_equal(sums[2], sums[0])
