"""The barrier: nobody passes it before all have come, and who waits long takes no core."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from toys import needs_fork

import mlp.training.parallel.barrier
import mlp.training.parallel.workers
from backends import get_backend
from mlp.common import linux
from mlp.training.parallel.barrier import AbandonedError, Barrier
from mlp.training.parallel.workers import WORTH_FORKING, WorkerGroup


def nobody_is_lost(rank: int) -> bool:
    del rank
    return False


@pytest.fixture(params=[True, False], ids=["futex", "without"])
def kernel_sleeps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has futexes, and where it has none."""
    if not request.param:
        monkeypatch.setattr(linux, "_FUTEX", {})


@pytest.mark.usefixtures("kernel_sleeps")
@pytest.mark.parametrize("polls", [1, 50])
@pytest.mark.parametrize("size", [2, 3])
def test_nobody_passes_before_all_have_come(size: int, polls: int) -> None:
    barrier, come = Barrier(size), [0] * size

    def work(rank: int) -> None:
        for turn in range(1, 41):
            come[rank] = turn
            barrier.wait(rank, polls, nobody_is_lost)
            assert min(come) >= turn

    with ThreadPoolExecutor(size) as pool:
        for done in [pool.submit(work, rank) for rank in range(size)]:
            done.result()


@pytest.mark.usefixtures("kernel_sleeps")
@pytest.mark.parametrize("reason", ["abandoned", "lost"])
def test_who_sleeps_hears_that_another_has_failed(reason: str) -> None:
    barrier, lost = Barrier(2), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(barrier.wait, 0, 1, lambda _: lost.is_set())
        if reason == "lost":
            lost.set()
        else:
            barrier.abandon()
        with pytest.raises(AbandonedError):
            waits.result()
    barrier.reset(2)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(barrier.wait, 0, 1, nobody_is_lost)
        barrier.wait(1, 1, nobody_is_lost)
        waits.result()


@needs_fork
def test_a_process_that_waits_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first worker comes to the barrier only when it has seen the second one sleep there."""
    monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda: True)
    monkeypatch.setattr(mlp.training.parallel.barrier, "PATIENCE", 60.0)
    group = WorkerGroup(2, get_backend("cpu"))
    pid, seen = group.shared_ints(1), []

    def target(rank: int) -> None:
        if rank:
            pid[0] = os.getpid()
        else:
            until(lambda: pid[0] > 0)
            stat = Path(f"/proc/{pid[0]}/stat")
            until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "S")
            seen.append("S")
        group.barrier(rank)

    group.run(target, WORTH_FORKING)
    assert seen == ["S"]


def until(said: Callable[[], bool]) -> None:
    end = time.monotonic() + 60.0
    while not said():
        assert time.monotonic() < end
        time.sleep(0.001)
