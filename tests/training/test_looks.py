"""How many epochs pass unseen: by the reports, by the clock and by what callbacks want."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlp.training.callbacks import Callback, Shorthand
from mlp.training.choosing import EarlyStopping, KeepBest
from mlp.training.looks import SECONDS, Looks
from mlp.training.recipe import Recipe
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.signals import Signals, StopOnSignal
from mlp.training.runs.snapshots import Snapshots


class Device:
    """Makes epochs that nobody sees in no time, and notes how many were asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def make(self, number: int, count: int) -> Any:
        self.asked.append(count)
        yield from range(number + 1, number + count + 1)

    def look(self) -> Any:
        return np.zeros((0, 2))


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def run_of(device: Device | None, **recipe: Any) -> Any:
    trainer = SimpleNamespace(ranks=SimpleNamespace(launched=False))
    return SimpleNamespace(
        unseen=device, epoch=0, recipe=Recipe(**recipe), trainer=trainer, losses_unseen=None
    )


def go(run: Any, clock: Clock, seconds: float, *callbacks: Callback) -> list[int]:
    """Run all epochs, each of which takes so long; return those that were seen."""
    looks, seen = Looks(run, callbacks, clock=clock), []
    while run.epoch < run.recipe.epochs:
        first = run.epoch
        looks.pass_unseen()
        seen.append(run.epoch)
        clock.now += seconds * (run.epoch + 1 - first)
        looks.look()
        run.epoch += 1
    return seen


@pytest.mark.parametrize(
    ("every", "epochs", "seen"),
    [
        (1, 4, [0, 1, 2, 3]),
        (2, 6, [0, 2, 4, 5]),
        (3, 9, [0, 3, 6, 8]),
        (100, 9, [0, 8]),
        (4, 9, [0, 4, 8]),
    ],
)
def test_the_first_the_measured_and_the_last_are_seen(
    every: int, epochs: int, seen: list[int]
) -> None:
    run = run_of(Device(), report_every=every, epochs=epochs)
    assert go(run, Clock(), 1e-9, Shorthand(None, None)) == seen


@pytest.mark.parametrize(
    ("seconds", "apart"), [(SECONDS / 4.5, 4), (SECONDS / 2.5, 2), (SECONDS, 1), (3.0, 1)]
)
def test_the_host_looks_as_often_as_a_signal_may_wait(seconds: float, apart: int) -> None:
    run = run_of(Device(), report_every=1000, epochs=41)
    seen = go(run, Clock(), seconds)
    assert set(np.diff(seen[:-1])) == {apart}


def test_a_slow_first_epoch_holds_up_the_next_ones_alone() -> None:
    """Its kernels are compiled in it."""
    clock = Clock()

    class Compiles(Callback):
        may_miss = True

    run = run_of(Device(), report_every=1000, epochs=2000)
    looks = Looks(run, [Compiles()], clock=clock)
    asked = []
    for seconds in (2.0, 0.018, *[0.00095] * 5):
        first = run.epoch
        looks.pass_unseen()
        asked.append(run.epoch - first)
        clock.now += seconds * (run.epoch + 1 - first)
        looks.look()
        run.epoch += 1
    assert asked[:3] == [0, 0, 4]
    assert asked[3:] == [104, 104, 104, 104]


def test_a_device_without_memory_of_its_own_makes_none() -> None:
    run = run_of(None, report_every=10, epochs=5)
    assert go(run, Clock(), 1e-9) == [0, 1, 2, 3, 4]


def test_where_nothing_is_measured_the_first_and_the_last_are_seen() -> None:
    run, clock, seen = run_of(Device(), report_every=1, epochs=9), Clock(), []
    looks = Looks(run, [], measured=False, clock=clock)
    while run.epoch < 9:
        looks.pass_unseen()
        seen.append(run.epoch)
        looks.look()
        run.epoch += 1
    assert seen == [0, 8]


class Asks(Callback):
    """Wants the state in some epochs."""

    may_miss = True

    def __init__(self, *epochs: int) -> None:
        self.epochs = epochs

    def wants_state(self, run: Any) -> bool:
        return run.epoch in self.epochs


def test_a_callback_that_wants_something_ends_it() -> None:
    run = run_of(Device(), report_every=100, epochs=30)
    assert go(run, Clock(), 1e-9, Asks(7, 11)) == [0, 7, 11, 29]


@pytest.mark.parametrize(
    "method",
    ["on_epoch_begin", "on_update", "on_epoch_end", "wants_state", "state_after", "on_state"],
)
def test_a_callback_with_a_method_for_each_epoch_sees_each(method: str) -> None:
    own = {method: lambda self, *_: ()}
    kinds = type("Own", (Callback,), own), type("Misses", (Callback,), {**own, "may_miss": True})
    run = run_of(Device(), report_every=100, epochs=5)
    assert [kind().unseen(run) for kind in kinds] == [0, math.inf]


def test_a_callback_that_looks_at_what_is_measured_lets_epochs_pass(tmp_path: Any) -> None:
    class Reads(Callback):
        def on_epoch_measured(self, run: Any, epoch: Any) -> None: ...

        def on_stop(self, run: Any) -> None: ...

    run = run_of(Device(), report_every=100, epochs=5)
    for callback in (
        Reads(), Shorthand(print, print), KeepBest("loss"), EarlyStopping("loss", 1, 0.0),
        StopOnSignal(Signals()),
    ):  # fmt: skip
        assert callback.unseen(run) == math.inf


def test_snapshots_see_their_places(tmp_path: Any) -> None:
    snapshots = Snapshots(RunFolder(tmp_path), 4)
    snapshots._places = {(0, 0), (0, 2), (4, 0), (6, 3)}
    run, seen = run_of(Device(), report_every=100, epochs=12), []
    for run.epoch in range(12):
        seen.append(snapshots.unseen(run))
    assert seen == [0, 2, 1, 0, 2, 1, 0, *[math.inf] * 5]
