"""The order of the images is what one process draws, and each machine's first rank draws it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from thread_ranks import run_ranks

from mlp.common.rng import generator
from mlp.training.ranks import order
from mlp.training.ranks.order import SharedOrder
from mlp.training.ranks.ranks import Ranks

N = 23


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "BLOCK", 10)


def test_all_ranks_see_what_one_process_draws() -> None:
    alone = generator(7, "shuffle")
    expected = [alone.permutation(N).tolist() for _ in range(3)]

    def work(ranks: Ranks) -> Any:
        shuffler, shared = generator(7, "shuffle"), SharedOrder(ranks, N)
        drawn = [shared.next(shuffler).tolist() for _ in range(3)]
        return drawn, shuffler.bit_generator.state

    for drawn, state in run_ranks(2, work):
        assert drawn == expected
        assert state == alone.bit_generator.state


def test_one_that_cannot_write_waits_for_the_first() -> None:
    """Two ranks of one machine, of which the second sees the first one's array."""
    memory = np.zeros(N, np.int64)

    def work(ranks: Ranks) -> Any:
        view = memory.view()
        view.flags.writeable = ranks.rank == 0
        ranks.zeros = lambda count, dtype: view  # type: ignore[method-assign]
        shuffler, shared = generator(ranks.rank, "shuffle"), SharedOrder(ranks, N)
        return shared.next(shuffler) is view, shuffler.bit_generator.state

    first, second = run_ranks(2, work)
    assert first == second
    assert memory.tolist() == generator(0, "shuffle").permutation(N).tolist()


def test_images_that_are_not_shuffled_stay_as_they_lie() -> None:
    for drawn in run_ranks(2, lambda ranks: SharedOrder(ranks, N).next(None).tolist()):
        assert drawn == list(range(N))
