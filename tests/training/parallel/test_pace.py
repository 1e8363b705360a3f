"""How many workers are chosen on a clock that the test moves; and always the same bytes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from toys import DATA, FAST, share_out, small_micro_batches, toy_model

import backends.cpu
import mlp.training.executors.executor
import mlp.training.parallel.workers
from mlp.training.executors.executor import Pause
from mlp.training.executors.large_batches import LargeBatchExecutor
from mlp.training.executors.small_batches import SmallBatchExecutor
from mlp.training.loop import train
from mlp.training.parallel.pace import FIRST_HOLD, MOST_HOLD, SECONDS, SETTLING, Pace
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

LAPS = 1000
"""Laps of an epoch on the moved clock, an update each."""


class Course:
    """An endless training on a clock that stands still but for what updates take."""

    def __init__(self, most: int, laps: int = LAPS) -> None:
        self.now = 0.0
        self.pace = Pace(most, laps, lambda: self.now)
        self.done, self.laps = 0, laps
        self.pace.begin(0)

    def run(self, laps: int, seconds: Callable[[int], float]) -> list[int]:
        """Make updates that take ``seconds(workers)``; return the workers of each."""
        made = []
        for _ in range(laps):
            made.append(self.pace.workers)
            self.now += seconds(self.pace.workers)
            self.done += 1
            changes = self.pace.lap(self.done)
            assert changes == (self.pace.workers != made[-1])
            if changes or self.done == self.laps:
                self.done %= self.laps
                self.now += 100.0  # between two runs of workers nothing is counted
                self.pace.begin(self.done)
        return made


def quiet(workers: int) -> float:
    """Seconds of an update where each worker has a core."""
    return SECONDS / (1 + workers)


def busy(workers: int) -> float:
    """And where several wait for the one whose core is another's."""
    return SECONDS / 4 if workers == 1 else SECONDS


def share_with(made: list[int], workers: int) -> float:
    return made.count(workers) / len(made)


@pytest.mark.parametrize("laps", [1, 7, LAPS])
def test_the_quicker_number_is_kept_and_the_other_rarely_tried(laps: int) -> None:
    for seconds, best in ((quiet, 2), (busy, 1)):
        made = Course(2, laps).run(2000, seconds)
        assert share_with(made[200:], best) > 0.95
        assert share_with(made, 3 - best) > 0.0


def test_one_worker_is_never_asked() -> None:
    course = Course(1)
    assert set(course.run(100, busy)) == {1}


def test_a_trial_that_loses_on_long_updates_ends_after_one() -> None:
    made = Course(2, laps=7).run(40, lambda workers: 2 * SECONDS / workers)
    trials = [len(list(group)) for workers, group in itertools.groupby(made) if workers == 1]
    assert len(trials) > 1
    assert set(trials) == {1}


@pytest.mark.parametrize("first", [quiet, busy], ids=["becomes busy", "becomes quiet"])
def test_a_clear_change_is_met_at_once(first: Callable[[int], float]) -> None:
    """In either direction, however long the answer was the same before."""
    course, then = Course(2), busy if first is quiet else quiet
    course.run(20_000, first)
    made = course.run(60, then)
    assert made[-1] == (1 if then is busy else 2)


def test_a_slow_change_is_met_by_the_next_question() -> None:
    """Here one worker takes no longer than before: only to ask tells that two are slow now."""
    course = Course(2)
    course.run(1000, lambda workers: SECONDS if workers == 2 else 1.2 * SECONDS)
    assert course.pace.workers == 2
    made = course.run(2 * MOST_HOLD * 2, lambda workers: SECONDS if workers == 2 else 0.9 * SECONDS)
    assert share_with(made[-200:], 1) > 0.9


def test_questions_become_rare_while_the_answer_is_the_same() -> None:
    made = Course(2).run(10 * MOST_HOLD, lambda workers: 2 * SECONDS / workers)
    trials = [at for at, (one, two) in enumerate(itertools.pairwise(made)) if (one, two) == (2, 1)]
    gaps = [two - one for one, two in itertools.pairwise(trials)]
    assert len(gaps) > 3
    assert all(two > 1.5 * one for one, two in itertools.pairwise(gaps) if one < MOST_HOLD)
    assert FIRST_HOLD <= gaps[0] < gaps[-1]


@pytest.mark.parametrize("best", [16, 9, 3, 1])
def test_many_workers_become_few_and_many_again(best: int) -> None:
    """A quarter fewer at a time, as long as it helps."""
    course = Course(16)

    def seconds(workers: int) -> float:
        return SECONDS * (1 + abs(workers - best) / 8)

    assert share_with(course.run(4000, seconds)[1000:], best) > 0.9
    assert course.run(20_000, lambda workers: SECONDS * 16 / workers)[-1] == 16


def test_equal_numbers_leave_a_core_to_others() -> None:
    course = Course(2)
    made = course.run(2000, lambda workers: SECONDS / (1.04 if workers == 2 else 1.0))
    assert share_with(made[:200], 2) > 0.5  # it lost its trials as long as it was not quicker
    made = Course(2).run(2000, lambda _: SECONDS)
    assert share_with(made[200:], 1) > 0.95


def test_a_moment_s_disturbance_changes_no_number_for_long() -> None:
    """As when what ran before still has the cores: two workers are slow in their first rate."""
    course = Course(2)
    slow = course.run(SETTLING + 2, busy)
    assert set(slow) == {2}
    assert share_with(course.run(200, quiet), 1) < 0.1


def test_a_trial_that_loses_is_short() -> None:
    """Without what settles, it is over as soon as it is clearly behind."""
    made = Course(2).run(3000, lambda workers: SECONDS / (20 if workers == 2 else 10))
    lengths = [len(list(group)) for workers, group in itertools.groupby(made) if workers == 1]
    assert len(lengths) > 2
    assert set(lengths) == {SETTLING + 2}


def test_what_is_no_training_is_not_counted() -> None:
    course = Course(2)
    for _ in range(50):
        course.run(10, quiet)
        course.now += 1000.0
        course.pace.resume()
    assert course.pace.workers == 2


class Scripted:
    """Takes another number of workers after each lap, whatever the time."""

    def __init__(self, most: int, laps: int) -> None:
        assert laps >= 1
        self._numbers = itertools.cycle([*range(1, most + 1), *range(most - 1, 1, -1)])
        self.workers = next(self._numbers)
        self.taken: list[int] = []
        self._done = 0

    def begin(self, done: int) -> None:
        self._done = done
        self.taken.append(self.workers)

    def resume(self) -> None: ...

    def lap(self, done: int) -> bool:
        if done > self._done:
            self._done, self.workers = done, next(self._numbers)
        return self.workers != self.taken[-1]


RECIPES: dict[str, dict[str, Any]] = {
    "small": {"batch_size": 4, "nesterov": True, "weight_decay": 0.01},
    "small, random": {"batch_size": 4, "dropout": 0.3, "max_norm": 0.9, "augment": "affine"},
    "small, adamw": {"batch_size": 3, "optimizer": "adamw", "average": "ema(0.9)"},
    "large": {"batch_size": 25, "clip_norm": 0.5},
    "large, random": {"batch_size": 25, "dropout": 0.3, "augment": "affine"},
    "full": {"batch_size": "full"},
}


@pytest.mark.parametrize("options", RECIPES.values(), ids=RECIPES)
def test_whatever_is_chosen_the_bytes_are_the_same(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    small_micro_batches(monkeypatch, 8 << 20 if options["batch_size"] in (3, 4) else 3000)
    share_out(monkeypatch, 3)
    monkeypatch.setattr(backends.cpu, "SPAN", 4)
    recipe = Recipe(**{**FAST, "epochs": 2}, train_accuracy="running", **options)
    results = []
    for pace in (Pace, Scripted):
        monkeypatch.setattr(mlp.training.executors.executor, "Pace", pace)
        model = toy_model()
        history = train(model, DATA, recipe)
        told = [(epoch.loss, epoch.train_accuracy) for epoch in history.epochs]
        results.append((model.parameters.tobytes(), told))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("batch_size", "kind"), [(2, SmallBatchExecutor), (25, LargeBatchExecutor)]
)
def test_the_number_changes_within_an_epoch(
    batch_size: int, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_out(monkeypatch, 3)
    monkeypatch.setattr(backends.cpu, "SPAN", 4)
    small_micro_batches(monkeypatch, 8 << 20 if batch_size == 2 else 3000)
    monkeypatch.setattr(mlp.training.executors.executor, "Pace", Scripted)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size=batch_size, **FAST))
    assert isinstance(trainer.executor, kind)
    trainer.epoch(0)
    pace = trainer.executor.pace
    assert isinstance(pace, Scripted)
    assert pace.taken[:2] == [1, 2]


def test_a_worker_that_is_not_asked_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    share_out(monkeypatch, 2)
    monkeypatch.setattr(backends.cpu, "SPAN", 4)
    monkeypatch.setattr(mlp.training.executors.executor, "Pace", Scripted)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size=2, **FAST))
    threads, seen = threading.active_count(), set()

    def look(*_: Any) -> None:
        seen.add((trainer.executor.group.count, threading.active_count() - threads))

    trainer.epoch(0, look)
    assert seen == {(1, 0), (2, 1)}


@pytest.mark.parametrize(("batch_size", "working_set"), [(2, 8 << 20), (25, 3000)])
def test_a_pause_where_the_number_changes_is_one_pause(
    batch_size: int, working_set: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers that begin there would else pause again: a step of a watched run made none."""
    share_out(monkeypatch, 3)
    monkeypatch.setattr(backends.cpu, "SPAN", 4)
    small_micro_batches(monkeypatch, working_set)
    monkeypatch.setattr(mlp.training.executors.executor, "Pace", Scripted)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size=batch_size, **FAST))
    places: list[int] = []

    def act(done: int) -> bool:
        places.append(done)
        return False

    for epoch in range(2):
        places.clear()
        trainer.epoch(epoch, None, Pause(lambda: True, act))
        assert len(places) > 1
        assert places == sorted(set(places))
    pace = trainer.executor.pace
    assert isinstance(pace, Scripted)
    assert len(pace.taken) > 2
