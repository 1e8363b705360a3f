"""Workers as processes and as threads: the same bytes, and an end to all when one fails."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, needs_fork, share_out, small_micro_batches, toy_model, trained

import mlp.training.parallel.processes
import mlp.training.parallel.workers
from backends import get_backend
from mlp.cli.console import TrainingBar, stderr
from mlp.common.errors import MLPError
from mlp.training.loop import train
from mlp.training.parallel.workers import WorkerGroup
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

OFTEN = mlp.training.parallel.workers.WORTH_FORKING
"""Meetings for which processes are started."""


@pytest.fixture(params=[False, pytest.param(True, marks=needs_fork)], ids=["threads", "processes"])
def in_processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether workers are processes."""
    monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda: request.param)
    return bool(request.param)


@pytest.fixture(autouse=True)
def nobody_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every process and thread that a test started is gone after it."""
    threads, pids, fork = threading.active_count(), [], getattr(os, "fork", None)

    def noted() -> int:
        pids.append(fork())
        return pids[-1]

    if fork is not None:
        monkeypatch.setattr(os, "fork", noted)
    yield
    assert threading.active_count() == threads
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_meet_as_often_as_they_say(in_processes: bool, workers: int) -> None:
    group = WorkerGroup(workers, get_backend("cpu"))
    seen = group.zeros((workers, 50), "float64")

    def target(rank: int) -> None:
        for turn in range(50):
            before = seen[:, :turn].min() if turn else 1.0
            assert before == 1.0  # all have done what stood before the last meeting
            seen[rank, turn] = 1.0
            group.barrier(rank)

    for _ in range(3):
        seen[:] = 0.0
        group.run(target, OFTEN)
        assert group.in_processes == in_processes
        assert seen.all()


def test_a_process_changes_nothing_else_here(in_processes: bool) -> None:
    group = WorkerGroup(2, get_backend("cpu"))
    mine, everyones = np.zeros(2), group.zeros(2, "float32")

    def target(rank: int) -> None:
        mine[rank] = everyones[rank] = 1.0

    group.run(target, OFTEN)
    assert mine.tolist() == [1.0, 0.0 if in_processes else 1.0]
    assert everyones.tolist() == [1.0, 1.0]


RECIPES: dict[str, dict[str, Any]] = {
    "momentum": {},
    "all of sgd": {"nesterov": True, "weight_decay": 0.01, "clip_norm": 0.5, "max_norm": 1.0},
    "dropout": {"dropout": 0.3},
    "running": {"train_accuracy": "running"},
    "deformed": {"augment": "affine,elastic"},
}


@needs_fork
@pytest.mark.parametrize("options", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("working_set", [1000, 8 << 20])
def test_processes_give_the_bytes_of_threads(
    working_set: int, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where epochs in processes follow epochs in threads, recorded in either."""
    share_out(monkeypatch, 3)
    small_micro_batches(monkeypatch, working_set)
    monkeypatch.setattr(mlp.training.parallel.workers, "WORTH_FORKING", 1)
    recipe = Recipe(batch_size=29, **FAST, **options)  # a tail of 2
    results = []
    for forks in ([False], [True], [False, False, False, True], [True, True, False]):
        turns = itertools.cycle(forks)
        monkeypatch.setattr(
            mlp.training.parallel.workers, "may_fork", lambda turns=turns: next(turns)
        )
        model = toy_model()
        history = train(model, DATA, recipe)
        told = [(epoch.loss, epoch.train_accuracy) for epoch in history.epochs]
        results.append((model.parameters.tobytes(), told))
    assert all(result == results[0] for result in results)


def fails(rank: int, failing: int, group: WorkerGroup, how: Callable[[], Any]) -> None:
    for turn in range(10):
        if rank == failing and turn == 5:
            how()
        group.barrier(rank)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_what_a_worker_raises_ends_all(in_processes: bool, failing: int) -> None:
    group = WorkerGroup(3, get_backend("cpu"))
    with pytest.raises(ZeroDivisionError):
        group.run(lambda rank: fails(rank, failing, group, lambda: 1 / 0), OFTEN)
    group.run(lambda rank: group.barrier(rank), OFTEN)  # and it can go on


@needs_fork
def test_a_process_that_the_system_ends_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda: True)
    group = WorkerGroup(3, get_backend("cpu"))
    with pytest.raises(MLPError, match="was killed, as by the system when out of memory"):
        group.run(
            lambda rank: fails(rank, 1, group, lambda: os.kill(os.getpid(), signal.SIGKILL)), OFTEN
        )


@needs_fork
def test_a_process_that_ends_without_a_word_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda: True)
    group = WorkerGroup(3, get_backend("cpu"))
    with pytest.raises(RuntimeError, match="ended with 3; train again"):
        group.run(lambda rank: fails(rank, 1, group, lambda: os._exit(3)), OFTEN)
    with pytest.raises(RuntimeError, match="did not say why; train again"):
        group.run(lambda rank: fails(rank, 1, group, lambda: os._exit(0)), OFTEN)


def test_an_interrupt_of_a_run_leaves_nothing_behind(
    in_processes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_out(monkeypatch, 2)
    monkeypatch.setattr(mlp.training.parallel.workers, "WORTH_FORKING", 1)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size=20, **FAST))

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.epoch(0, interrupt)
    assert np.isfinite(trainer.epoch(0)).all()


@needs_fork
def test_an_interrupt_waits_until_all_are_known(
    interruptible: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda: True)
    group, fork = WorkerGroup(3, get_backend("cpu")), os.fork

    def interrupted() -> int:
        signal.raise_signal(signal.SIGINT)
        return fork()

    monkeypatch.setattr(os, "fork", interrupted)
    with pytest.raises(KeyboardInterrupt):
        group.run(lambda rank: group.barrier(rank), OFTEN)
    monkeypatch.setattr(os, "fork", fork)
    group.run(lambda rank: group.barrier(rank), OFTEN)


class UnpackableError(Exception):
    """An exception that does not survive its packing."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


@needs_fork
def test_an_error_that_cannot_be_packed_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda: True)
    group = WorkerGroup(2, get_backend("cpu"))

    def fail() -> None:
        raise UnpackableError(1, 2)

    with pytest.raises(RuntimeError, match="UnpackableError: 1 and 2"):
        group.run(lambda rank: fails(rank, 1, group, fail), OFTEN)


@needs_fork
def test_children_may_be_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under a parent that ignores SIGCHLD, which is inherited."""
    monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda: True)
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        group = WorkerGroup(2, get_backend("cpu"))
        group.run(lambda rank: group.barrier(rank), OFTEN)
        with pytest.raises(ZeroDivisionError):
            group.run(lambda rank: fails(rank, 1, group, lambda: 1 / 0), OFTEN)
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_thread_that_cannot_start_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda: False)
    group, submit, started = WorkerGroup(3, get_backend("cpu")), ThreadPoolExecutor.submit, []

    def limited(*arguments: Any) -> Any:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(1)
        return submit(*arguments)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", limited)
    with pytest.raises(RuntimeError, match="can't start"):
        group.run(lambda rank: group.barrier(rank), OFTEN)


@needs_fork
@pytest.mark.parametrize("left", [0, 1])
def test_threads_take_over_where_no_process_is_left(
    left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda: True)
    share_out(monkeypatch, 3)
    monkeypatch.setattr(mlp.training.parallel.workers, "WORTH_FORKING", 1)
    recipe = Recipe(batch_size=20, **FAST)
    expected, fork, forked = trained(recipe).tobytes(), os.fork, []

    def limited() -> int:
        if len(forked) >= left:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        forked.append(1)
        return fork()

    monkeypatch.setattr(os, "fork", limited)
    assert trained(recipe).tobytes() == expected
    assert len(forked) == left


@pytest.mark.parametrize("batch_size", [20, "full"])
def test_one_worker_does_it_all_where_there_is_no_room(
    batch_size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under a tight limit on addresses: the bytes are those of several."""
    monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda: False)
    share_out(monkeypatch, 3)
    recipe = Recipe(batch_size=batch_size, **FAST)
    expected = trained(recipe).tobytes()
    monkeypatch.setattr(mlp.training.parallel.workers, "has_room", lambda threads: False)
    trainer = Trainer(toy_model(), DATA.train, recipe)
    trainer.epoch(0)
    assert (trainer.executor.group.size, trainer.executor.group.count) == (3, 1)
    assert trained(recipe).tobytes() == expected


def test_few_barriers_are_not_worth_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda: True)
    group = WorkerGroup(2, get_backend("cpu"))
    group.run(lambda rank: group.barrier(rank), OFTEN - 1)
    assert not group.in_processes


def test_the_bar_of_a_training_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = threading.active_count()
    monkeypatch.setattr(stderr, "_force_terminal", True)
    with TrainingBar(get_backend("cpu"), 10, 1) as bar:
        bar.on_step(5, np.ones(1))
        assert threading.active_count() == threads
