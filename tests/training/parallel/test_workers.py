"""Workers: all do their part at once, and all end when one fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, share_out, toy_model, trained

import mlp.training.parallel.workers
from backends import get_backend
from mlp.cli.console import TrainingBar, stderr
from mlp.training.parallel.workers import WorkerGroup
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    """Every thread that a test started is gone after it."""
    threads = threading.active_count()
    yield
    assert threading.active_count() == threads


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_meet_as_often_as_they_say(workers: int) -> None:
    group = WorkerGroup(workers)
    seen = np.zeros((workers, 50))

    def target(worker: int) -> None:
        for turn in range(50):
            before = seen[:, :turn].min() if turn else 1.0
            assert before == 1.0  # all have done what stood before the last meeting
            seen[worker, turn] = 1.0
            group.barrier(worker)

    for _ in range(3):
        seen[:] = 0.0
        group.run(target)
        assert seen.all()


def fails(worker: int, failing: int, group: WorkerGroup, how: Callable[[], Any]) -> None:
    for turn in range(10):
        if worker == failing and turn == 5:
            how()
        group.barrier(worker)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_what_a_worker_raises_ends_all(failing: int) -> None:
    group = WorkerGroup(3)
    with pytest.raises(ZeroDivisionError):
        group.run(lambda worker: fails(worker, failing, group, lambda: 1 / 0))
    group.run(lambda worker: group.barrier(worker))  # and it can go on


@pytest.mark.parametrize("batch_size", [20, "full"])
def test_an_interrupt_of_a_run_leaves_nothing_behind(
    batch_size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_out(monkeypatch, 2)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size=batch_size, **FAST))

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.epoch(0, interrupt)
    assert np.isfinite(trainer.epoch(0)).all()


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("batch_size", [20, "full"])
def test_one_worker_does_it_all_where_no_thread_is_left(
    batch_size: Any, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that has started has done nothing yet when the next one cannot."""
    share_out(monkeypatch, 3)
    recipe = Recipe(batch_size=batch_size, train_accuracy="running", dropout=0.3, **FAST)
    expected = trained(recipe).tobytes()

    class Limited(ThreadPoolExecutor):
        started = 0

        def submit(self, *arguments: Any) -> Any:  # type: ignore[override]
            if self.started == left:
                raise RuntimeError("can't start new thread")
            self.started += 1
            return super().submit(*arguments)

    monkeypatch.setattr(mlp.training.parallel.workers, "ThreadPoolExecutor", Limited)
    trainer = Trainer(toy_model(), DATA.train, recipe)
    trainer.epoch(0)
    assert (trainer.executor.group.size, trainer.executor.group.count) == (3, 1)
    assert trained(recipe).tobytes() == expected


@pytest.mark.parametrize("batch_size", [20, "full"])
def test_one_worker_does_it_all_where_there_is_no_room(
    batch_size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under a tight limit on addresses: the bytes are those of several."""
    share_out(monkeypatch, 3)
    recipe = Recipe(batch_size=batch_size, **FAST)
    expected = trained(recipe).tobytes()
    monkeypatch.setattr(mlp.training.parallel.workers, "has_room", lambda threads: False)
    trainer = Trainer(toy_model(), DATA.train, recipe)
    trainer.epoch(0)
    assert (trainer.executor.group.size, trainer.executor.group.count) == (3, 1)
    assert trained(recipe).tobytes() == expected


def test_the_bar_of_a_training_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which would take turns at Python's lock with the workers."""
    threads = threading.active_count()
    monkeypatch.setattr(stderr, "_force_terminal", True)
    with TrainingBar(get_backend("cpu"), 10, 1) as bar:
        bar.on_step(5, np.ones(1))
        assert threading.active_count() == threads
