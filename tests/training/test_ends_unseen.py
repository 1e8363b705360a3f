"""Runs with epochs that nobody sees end as others do: by a signal, an interrupt, numbers lost."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from toys import DATA, toy_model
from unseen_runs import (
    AS_ONE,
    FULL,
    ONE_BY_ONE,
    Ended,
    Sees,
    Trained,
    measured,
    trained,
)

from mlp.common.errors import DivergedError
from mlp.models.model_file import load
from mlp.nn.schedules import epoch_learning_rates
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.runs.checkpointer import Checkpointer
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.signals import Signals, StopOnSignal
from mlp.training.runs.snapshots import Snapshots
from mlp.training.runs.watch_files import WatchFiles
from mlp.training.runs.watched import Watched
from mlp.training.state import load_state
from mlp.training.unseen import MOST_AT_ONCE, Unseen


@pytest.fixture(autouse=True)
def however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlp.training.looks.SECONDS", math.inf)


def test_who_comes_to_watch_sees_the_loss_of_each_epoch(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for batch_size in ("full", 8):
        recipe = Recipe(**{**FULL, "epochs": 20, "report_every": 12, "batch_size": batch_size})
        curves = []
        for callbacks in ([], [Sees()]):
            watched = Watched(WatchFiles(tmp_path))
            trained(monkeypatch, recipe, watched, *callbacks)
            curves.append(watched._points)
        assert curves[0] == curves[1]
        assert [x for x, _ in curves[0] if x.is_integer()] == list(range(1, 21))


def test_snapshots_are_those_of_a_run_that_is_seen_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipe, kept = Recipe(**{**FULL, "epochs": 40, "report_every": 39}), []
    for name, callbacks in (("ours", []), ("seen", [Sees()])):
        (tmp_path / name).mkdir()
        folder = RunFolder(tmp_path / name)
        result = trained(monkeypatch, recipe, Snapshots(folder, 6), *callbacks)
        kept.append({p: load(path).parameters.tobytes() for p, path in folder.snapshots().items()})
    assert kept[0] == kept[1]
    assert len(kept[0]) == 6
    assert len(result.epochs) == 40


# What goes wrong, and what ends a run


def explodes(epoch: int) -> Callable[..., list[float]]:
    """A schedule whose rate is far too high in one epoch, so that no number is left in the next."""

    def rates(*args: Any) -> list[float]:
        return [1e30] * args[-1] if args[-2] == epoch else epoch_learning_rates(*args)

    return rates


@pytest.mark.parametrize("name", ["full batch", "moving average", "mini-batches"])
@pytest.mark.parametrize("epoch", [3, 11, 12, 13, 18])
def test_what_is_not_finite_is_told_of_its_epoch_and_leaves_the_one_before(
    epoch: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, in and behind an epoch that is measured, and in the last one."""
    monkeypatch.setattr("mlp.training.tables.epoch_learning_rates", explodes(epoch))
    options = {"epochs": 20, "report_every": 12, **(AS_ONE | ONE_BY_ONE)[name]}
    recipe = Recipe(**{**FULL, **options})
    told = []
    for callbacks in ([], [Sees()]):
        ended, (_, backend) = Ended(), open_stand_in(monkeypatch)
        model = toy_model(backend=backend)
        with pytest.raises(DivergedError) as error:
            train(model, DATA, recipe, callbacks=[*callbacks, ended])
        told.append((str(error.value), np.array(model.parameters).tobytes(), ended.epoch))
    assert told[0] == told[1]
    assert told[0][2] in (epoch, epoch + 1)


class AfterLaunches(StopOnSignal):
    """Lets a signal come after so many launches of epochs that nobody sees."""

    def __init__(self, signals: Signals, launches: int) -> None:
        super().__init__(signals)
        self.left = launches

    def wants_state(self, run: Run) -> bool:
        if self.left == 0:
            self._signals.received = signal.SIGINT
        return super().wants_state(run)


class Interrupts(AfterLaunches):
    """Lets Ctrl-C come after so many launches."""

    def wants_state(self, run: Run) -> bool:
        if self.left == 0:
            raise KeyboardInterrupt
        return False


def count_launches(patch: pytest.MonkeyPatch, comes: AfterLaunches) -> None:
    plain = Unseen._make_several

    def make(self: Unseen, most: int) -> int:
        comes.left -= 1
        return plain(self, most)

    patch.setattr(Unseen, "_make_several", make)


def interrupted(monkeypatch: pytest.MonkeyPatch, recipe: Recipe, ended: Ended) -> Trained:
    comes = Interrupts(Signals(), 2)
    count_launches(monkeypatch, comes)
    result = trained(monkeypatch, recipe, comes, ended)
    assert result.history.interrupted
    return result


def test_a_signal_is_heard_after_one_launch_and_the_run_goes_on_from_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of 99 epochs the device is given 16 more at most, of which each is saved."""
    recipe = Recipe(**{**FULL, "epochs": 120, "report_every": 100})
    whole = trained(monkeypatch, recipe)
    with monkeypatch.context() as patch:
        signals, folder = Signals(), RunFolder(tmp_path)
        comes = AfterLaunches(signals, 2)
        count_launches(patch, comes)
        keeps = Checkpointer(folder, signals=signals)
        stopped = trained(monkeypatch, recipe, keeps, comes)
    assert stopped.history.interrupted
    state = load_state(folder.checkpoints()[-1])
    assert state.epoch == 1 + 2 * MOST_AT_ONCE
    resumed = trained(monkeypatch, recipe, state=state)
    assert resumed.parameters.tobytes() == whole.parameters.tobytes()
    assert measured(resumed.history) == measured(whole.history)


def test_an_interrupt_keeps_the_last_epoch_that_was_given_to_the_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe, sees, ended = Recipe(**{**FULL, "epochs": 60, "report_every": 50}), Sees(), Ended()
    trained(monkeypatch, recipe, sees)

    result = interrupted(monkeypatch, recipe, ended)
    assert ended.epoch == 1 + 2 * MOST_AT_ONCE
    np.testing.assert_array_equal(result.parameters, sees.parameters[ended.epoch - 1])


def test_an_interrupt_behind_an_epoch_that_diverged_tells_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mlp.training.tables.epoch_learning_rates", explodes(7))
    recipe, ended = Recipe(**{**FULL, "epochs": 60, "report_every": 50}), Ended()

    result = interrupted(monkeypatch, recipe, ended)
    assert ended.epoch == 8  # epoch 7 left parameters that were far too large, and finite
    assert np.isfinite(result.parameters).all()
