"""The barrier: nobody passes it before all have come, and who waits long takes no core."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import mlp.training.parallel.barrier
from backends import get_backend
from backends.compiled import Stretch
from backends.native import open_replay
from mlp.training.parallel.barrier import ASLEEP, LINE, AbandonedError, Barrier
from mlp.training.parallel.workers import WorkerGroup

CPU = get_backend("cpu")


@pytest.mark.parametrize("size", [2, 3])
def test_nobody_passes_before_all_have_come(size: int) -> None:
    barrier, come = Barrier(size), [0] * size

    def work(worker: int) -> None:
        for turn in range(1, 41):
            come[worker] = turn
            barrier.wait(worker)
            assert min(come) >= turn

    with ThreadPoolExecutor(size) as pool:
        for done in [pool.submit(work, worker) for worker in range(size)]:
            done.result()


def replayed(group: WorkerGroup, rounds: int, before: Callable[[int, int], object]) -> np.ndarray:
    """Let workers add up what each writes, in captured steps: (workers, rounds) sums."""
    parts, sums = np.zeros((group.size, 8)), np.zeros((group.size, 8))
    seen = np.zeros((group.size, rounds))
    stretches = []

    def step(worker: int) -> None:
        xp = CPU.xp
        xp.add(parts[worker], worker + 1.0, out=parts[worker])
        group.barrier(worker)
        xp.copyto(sums[worker], parts[0])
        for other in range(1, group.size):
            xp.add(sums[worker], parts[other], out=sums[worker])
        group.barrier(worker)

    def target(worker: int) -> None:
        captured = CPU.capture(lambda: step(worker))
        for turn in range(rounds):
            before(worker, turn)
            captured()
            seen[worker, turn] = sums[worker, 0]
        stretches.append([type(call) for call in captured._calls])  # type: ignore[attr-defined]

    group.run(target)
    if open_replay() is not None:
        assert stretches == [[Stretch]] * group.size  # meeting leaves it whole
    return seen


@pytest.mark.parametrize("polls", [0, 1, 3000])
@pytest.mark.parametrize("size", [2, 3])
def test_workers_meet_in_captured_steps(
    size: int, polls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlp.training.parallel.barrier, "POLLS", polls)
    group = WorkerGroup(size)

    def loiter(worker: int, turn: int) -> None:
        if turn % 7 == worker:
            time.sleep(0.001)  # the others have long come

    seen = replayed(group, 60, loiter)
    each = size * (size + 1) / 2
    assert (seen == each * np.arange(1, 61)).all()


@pytest.mark.parametrize("failing", [0, 1])
def test_who_waits_in_a_captured_step_hears_that_another_has_failed(failing: int) -> None:
    group = WorkerGroup(2)

    def fail(worker: int, turn: int) -> None:
        if (worker, turn) == (failing, 20):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        replayed(group, 40, fail)
    assert (replayed(group, 5, lambda *_: None)[:, -1] == 15.0).all()  # and it can go on


def test_who_sleeps_hears_that_another_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlp.training.parallel.barrier, "PATIENCE", 60.0)
    barrier = Barrier(2)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(barrier.wait, 0)
        until(lambda: bool(barrier._words[ASLEEP]))
        barrier.abandon()
        with pytest.raises(AbandonedError):
            waits.result(30.0)
    barrier.reset(2)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(barrier.wait, 0)
        barrier.wait(1)
        waits.result()


@pytest.mark.parametrize("captured", [False, True])
def test_a_worker_that_waits_sleeps_until_it_is_woken(
    captured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first worker comes to the barrier only when it has seen the second one sleep there."""
    monkeypatch.setattr(mlp.training.parallel.barrier, "PATIENCE", 60.0)
    group = WorkerGroup(2)
    barrier, woken = group._barrier, []
    sleep = barrier._changed.wait

    def noted(seconds: float) -> bool:
        woken.append(sleep(seconds))
        return woken[-1]

    monkeypatch.setattr(barrier._changed, "wait", noted)

    def come_late(worker: int, turn: int) -> None:
        if worker == 0 and turn == 5:
            until(lambda: bool(barrier._words[LINE + ASLEEP]))

    def target(worker: int) -> None:
        for turn in range(8):
            come_late(worker, turn)
            group.barrier(worker)

    if captured:
        replayed(group, 8, come_late)
    else:
        group.run(target)
    assert woken
    assert all(woken)  # and did not sleep to the end


def until(said: Callable[[], bool]) -> None:
    end = time.monotonic() + 60.0
    while not said():
        assert time.monotonic() < end
        time.sleep(0.001)
