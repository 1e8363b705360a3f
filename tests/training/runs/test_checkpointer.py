"""A run's state is saved where it should be, and a run that cannot save it goes on."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from toys import DATA, FAST, small_micro_batches, toy_model

from backends import Array
from mlp.training.callbacks import Callback
from mlp.training.history import Epoch
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.runs import checkpointer as module
from mlp.training.runs.checkpointer import Checkpointer, TellMachine
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.signals import Signals, StopOnSignal
from mlp.training.state import load_state

RECIPE = Recipe(batch_size=8, validation=12, keep="best", **FAST)


class Always(Checkpointer):
    """As if saving took no time."""

    def _save(self, run: Run) -> None:
        super()._save(run)
        self._took = 0.0


class Watch(Callback):
    """Remembers which checkpoints there are at the end of each epoch."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder, self.found = folder, []  # type: ignore[var-annotated]

    def on_epoch_end(self, run: Run) -> None:
        self.found.append([path.name[11:24] for path in self.folder.checkpoints()])


def test_the_state_is_saved_at_the_end_of_each_epoch(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    watch = Watch(folder)
    callbacks = [Always(folder), watch]
    train(toy_model(), DATA, RECIPE, callbacks=callbacks)
    assert watch.found == [
        ["00001-0000000"],
        ["00001-0000000", "00002-0000000"],
        ["00002-0000000", "00003-0000000"],
        ["00003-0000000", "00004-0000000"],
    ]


def test_of_short_epochs_only_some_are_saved_and_always_the_first_and_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHARE", 0.0)
    folder = RunFolder(tmp_path)
    watch = Watch(folder)
    train(toy_model(), DATA, RECIPE, callbacks=[Checkpointer(folder), watch])
    assert watch.found[2] == ["00001-0000000"]
    assert watch.found[3] == ["00001-0000000", "00004-0000000"]


def test_within_an_epoch_the_state_is_saved_when_the_latest_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_micro_batches(monkeypatch)  # so that there are several spans of updates
    folder = RunFolder(tmp_path)
    watch = Watch(folder)
    train(toy_model(), DATA, RECIPE, callbacks=[Always(folder, 1e-9), watch])
    for epoch, (within, end) in enumerate(watch.found):
        assert within.startswith(f"{epoch:05}-")
        assert not within.endswith("-0000000")
        assert end == f"{epoch + 1:05}-0000000"


def test_a_clock_that_goes_back_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(range(10**9, 0, -(10**6)))
    monkeypatch.setattr("time.time", lambda: next(times))
    folder = RunFolder(tmp_path)
    train(toy_model(), DATA, RECIPE, callbacks=[Checkpointer(folder, 1e-9)])
    assert folder.checkpoints()[-1] == folder.checkpoint(4, 0)


class KilledWhileMeasured(Callback):
    """Receives a signal between the last update of the third epoch and its end."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        if epoch.epoch == 3:
            self._signals.received = signal.SIGTERM


def test_a_signal_between_epochs_saves_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHARE", 0.0)
    folder, signals = RunFolder(tmp_path), Signals()
    saving = Checkpointer(folder, signals=signals)
    callbacks = [KilledWhileMeasured(signals), saving, StopOnSignal(signals)]
    history = train(toy_model(), DATA, RECIPE, callbacks=callbacks)
    assert signals.stopped(history)
    assert saving.latest == folder.checkpoint(3, 0)


class KillsItself(Callback):
    def on_update(self, run: Run, seen: int, loss: Array) -> None:
        if run.epoch == 2 and not self.sent:
            self.sent = True
            os.kill(os.getpid(), signal.SIGTERM)

    sent = False


def test_a_signal_saves_the_state_and_the_resumed_run_ends_in_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_micro_batches(monkeypatch)
    folder, straight, stopped = RunFolder(tmp_path), toy_model(), toy_model()
    train(straight, DATA, RECIPE)
    with Signals() as signals:
        callbacks = [Checkpointer(folder, signals=signals), KillsItself(), StopOnSignal(signals)]
        history = train(stopped, DATA, RECIPE, callbacks=callbacks)
    assert history.interrupted
    path, state = folder.latest_state(pytest.fail)
    assert state is not None
    assert (state.epoch, state.progress.update > 0) == (2, True)
    resumed = toy_model()
    again = Checkpointer(folder, resumed=path)
    train(resumed, DATA, RECIPE, callbacks=[again], state=state)
    assert again.latest == folder.checkpoint(4, 0)
    assert resumed.parameters.tobytes() == straight.parameters.tobytes()


def test_a_damaged_checkpoint_goes_with_the_next_that_is_saved(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    damaged = folder.checkpoint(9, 9)
    damaged.write_bytes(b"half")
    train(toy_model(), DATA, RECIPE, callbacks=[Always(folder)])
    assert folder.checkpoints() == [folder.checkpoint(3, 0), folder.checkpoint(4, 0)]


@pytest.mark.parametrize("vanishes", [False, True], ids=["full disk", "vanished folder"])
def test_a_state_that_cannot_be_saved_is_told_once_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vanishes: bool
) -> None:
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    folder, plain, model = RunFolder(tmp_path / "run"), toy_model(), toy_model()
    train(plain, DATA, RECIPE)
    folder.path.mkdir()
    warnings: list[str] = []
    if vanishes:
        shutil.rmtree(folder.path)
    else:
        monkeypatch.setattr(os, "fsync", full)
    callback = Checkpointer(folder, 1e-9, on_warning=warnings.append)
    train(model, DATA, RECIPE, callbacks=[callback])
    assert len(warnings) == 1
    assert "the training goes on" in warnings[0]
    assert callback.latest is None
    assert not vanishes or not folder.path.exists()
    assert vanishes or list(folder.path.iterdir()) == []
    assert model.parameters.tobytes() == plain.parameters.tobytes()


def test_where_a_run_goes_on_elsewhere_that_is_told_once(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    train(toy_model(), DATA, RECIPE, callbacks=[Checkpointer(folder, 1e-9)])
    state = load_state(folder.checkpoints()[0])
    same: list[str] = []
    train(toy_model(), DATA, RECIPE, callbacks=[TellMachine(state, same.append)], state=state)
    assert same == []
    told: list[str] = []
    moved: dict[str, Any] = {**state.made_with, "blas": "another", "device": "abacus"}
    state.made_with = moved
    train(toy_model(), DATA, RECIPE, callbacks=[TellMachine(state, told.append)], state=state)
    assert len(told) == 1
    assert "blas was another" in told[0]
    assert "device was abacus" in told[0]


def test_a_run_that_lost_its_patience_ends_so_when_it_is_resumed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    recipe = Recipe(
        batch_size=8, validation=12, patience=2, min_delta=1.0, epochs=9, lr=0.2, warmup=0.0
    )
    model, resumed = toy_model(), toy_model()
    first = train(model, DATA, recipe, callbacks=[Checkpointer(folder)])
    _, state = folder.latest_state(pytest.fail)
    assert state is not None
    assert state.epoch == len(first.epochs) < 9
    again = train(resumed, DATA, recipe, state=state)
    assert again.stopped == first.stopped
    assert len(again.epochs) == len(first.epochs)
    assert model.parameters.tobytes() == resumed.parameters.tobytes()
