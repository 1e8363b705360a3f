"""All-reduce: one sum, to the bit, in all workers, however many shards each has."""

from __future__ import annotations

import numpy as np
import pytest

from backends import get_backend
from mlp.common.threads import share_of
from mlp.training.parallel.all_reduce import AllReduce, Share
from mlp.training.parallel.workers import WorkerGroup

CPU = get_backend("cpu")


def share(worker: int, workers: int, shards: int) -> Share:
    mine = share_of(shards, worker, workers)
    return Share(worker, range(mine.start, mine.stop))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_sum_over_shards_takes_smaller_batches_too(workers: int) -> None:
    group = WorkerGroup(workers)
    all_reduce = AllReduce(group, CPU, 3, (4, 2), "float64")
    sums = np.zeros((workers, 5, 3, 2))

    def target(worker: int) -> None:
        mine = share(worker, workers, 3)
        for turn in range(5):
            own = [np.full((3, 2), 10.0**number * (turn + 1)) for number in mine.shards]
            all_reduce(mine, own, sums[worker, turn])

    group.run(target)
    for turn in range(5):
        assert (sums[:, turn] == 111.0 * (turn + 1)).all()


def test_a_sum_is_the_same_for_any_workers_to_the_bit() -> None:
    """Floating-point addition is not associative, so all have to add up in one order."""
    parts = np.random.default_rng(0).normal(size=(4, 40, 30)).astype(np.float32)
    results = []
    for workers in (1, 2, 3, 4):
        group = WorkerGroup(workers)
        all_reduce = AllReduce(group, CPU, 4, (40, 30), "float32")
        sums = np.zeros((workers, 40, 30), np.float32)

        def target(
            worker: int,
            workers: int = workers,
            all_reduce: AllReduce = all_reduce,
            sums: np.ndarray = sums,
        ) -> None:
            mine = share(worker, workers, 4)
            all_reduce(mine, [parts[number] for number in mine.shards], sums[worker])

        group.run(target)
        results += [each.tobytes() for each in sums]
    assert len(set(results)) == 1
