"""Snapshots show the network as it was at their places, and change nothing of the run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, share_out, small_micro_batches, toy_model

from backends import Array
from mlp.common.errors import DivergedError
from mlp.models.metadata import metadata_of
from mlp.models.model_file import load
from mlp.models.predict import predict
from mlp.nn.network import MLP
from mlp.training.callbacks import Callback
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.runs.folder import Place, RunFolder
from mlp.training.runs.snapshots import Snapshots, choose_kept, choose_places
from mlp.training.state import TrainingState

RECIPE = Recipe(batch_size=1, **FAST)  # 60 updates in each of 4 epochs, a span of some at a time
EVERY = 1000
"""So many that each of the first updates has one."""


def run(folder: Path | None, count: int = 12, recipe: Recipe = RECIPE, **options: Any) -> MLP:
    model = toy_model()
    snapshots = [] if folder is None else [Snapshots(RunFolder(folder), count)]
    train(model, DATA, recipe, callbacks=[*snapshots, *options.pop("callbacks", ())], **options)
    return model


def contents(folder: Path) -> dict[Place, bytes]:
    return {place: path.read_bytes() for place, path in RunFolder(folder).snapshots().items()}


# Places


@pytest.mark.parametrize("steps", [1, 2, 60, 938])
@pytest.mark.parametrize("epochs", [1, 2, 20, 500])
@pytest.mark.parametrize("count", [2, 3, 12, 1000])
def test_places_are_the_beginning_the_end_and_some_between(
    count: int, epochs: int, steps: int
) -> None:
    places = choose_places(count, epochs, steps)
    assert {(0, 0), (epochs, 0)} <= places
    assert len(places) <= count
    assert all(update < steps for _, update in places)
    assert all(not update for epoch, update in places if epoch)
    assert all(epoch <= epochs for epoch, _ in places)


def test_places_are_dense_at_first() -> None:
    assert sorted(choose_places(16, 20, 938)) == [
        (0, 0), (0, 1), (0, 2), (0, 4), (0, 8), (0, 17), (0, 34), (0, 68), (0, 137), (0, 277),
        (0, 559), (1, 0), (2, 0), (5, 0), (10, 0), (20, 0),
    ]  # fmt: skip


# What they hold


class Remembers(Callback):
    """Remembers the parameters after each update, of a run whose updates are made one by one."""

    def __init__(self) -> None:
        self.after: dict[Place, np.ndarray] = {}

    def on_epoch_begin(self, run: Run) -> None:
        self.after[run.epoch, 0] = run.model.parameters.copy()

    def on_update(self, run: Run, seen: int, loss: Array) -> None:
        self.after[run.epoch, seen // 8] = run.model.parameters.copy()

    def on_epoch_end(self, run: Run) -> None:
        self.on_epoch_begin(run)


def test_a_snapshot_is_the_network_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_micro_batches(monkeypatch)
    monkeypatch.setattr("backends.cpu.SPAN", 1)
    remembers = Remembers()
    run(tmp_path, recipe=Recipe(batch_size=8, **FAST), callbacks=[remembers])
    found = RunFolder(tmp_path).snapshots()
    assert {(0, 0), (0, 1), (4, 0)} < set(found)
    for place, path in found.items():
        expected = remembers.after[place].astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(load(path).parameters, expected)


def test_a_snapshot_tells_the_accuracy_at_its_place(tmp_path: Path) -> None:
    run(tmp_path, recipe=Recipe(batch_size=4, report_every=3, **FAST))
    for place, path in RunFolder(tmp_path).snapshots().items():
        model = load(path)
        told = metadata_of(model)
        assert told.epoch == (place[0] or None)
        read = predict(model, DATA.test.images) == DATA.test.labels
        # Of 20 images one may be read otherwise by rounded weights.
        assert told.test_accuracy == pytest.approx(read.mean(), abs=0.06)


def test_after_an_epoch_it_is_the_average_that_the_run_would_end_with(tmp_path: Path) -> None:
    model = run(tmp_path, recipe=Recipe(batch_size=4, average="ema(0.9)", **FAST))
    last = load(RunFolder(tmp_path).snapshot((4, 0)))
    np.testing.assert_array_equal(last.parameters, model.parameters.astype(np.float16))


# What they change: nothing


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 1},
        {"batch_size": 4, "dropout": 0.3, "augment": "affine", "train_accuracy": "running"},
        {"batch_size": 47, "optimizer": "adamw"},
        {"batch_size": "full"},
    ],
    ids=str,
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_ends_in_the_same_bytes_with_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, options: dict[str, Any]
) -> None:
    if workers > 1:
        share_out(monkeypatch, workers)
    recipe = Recipe(**options, **FAST)
    for name, count in (("few", 6), ("every", EVERY)):
        (tmp_path / name).mkdir()
        model = run(tmp_path / name, count, recipe)
        assert model.parameters.tobytes() == run(None, recipe=recipe).parameters.tobytes()
    few, every = contents(tmp_path / "few"), contents(tmp_path / "every")
    assert few.items() <= every.items(), "how many there are changes none of them"


class Stops(Callback):
    """Keeps the state within the first epoch or after an epoch, and ends the run an epoch later."""

    state_then: TrainingState

    def __init__(self, place: Place) -> None:
        self.place = place

    def wants_state(self, run: Run) -> bool:
        return self.place[1] > 0 and run.epoch == self.place[0] and not hasattr(self, "state_then")

    def on_state(self, run: Run) -> None:
        if run.update >= self.place[1] > 0 and not hasattr(self, "state_then"):
            self.state_then = run.state()

    def on_epoch_end(self, run: Run) -> None:
        if (run.epoch, 0) == self.place:
            self.state_then = run.state()
        if run.epoch > self.place[0]:
            run.stop("enough")


@pytest.mark.parametrize("place", [(0, 10), (1, 0)])
def test_a_run_that_is_resumed_has_the_snapshots_of_one_that_never_stopped(
    tmp_path: Path, place: Place
) -> None:
    for name in ("straight", "stopped"):
        (tmp_path / name).mkdir()
    run(tmp_path / "straight", EVERY)
    stops = Stops(place)
    run(tmp_path / "stopped", EVERY, callbacks=[stops])
    folder, state = RunFolder(tmp_path / "stopped"), stops.state_then
    begun = state.epoch, state.progress.update
    beyond = [other for other in folder.snapshots() if other > begun]
    assert beyond
    for other in beyond:
        folder.snapshot(other).write_bytes(b"of a run that went another way")
    train(toy_model(), DATA, RECIPE, callbacks=[Snapshots(folder, EVERY, begun)], state=state)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "straight")


def test_the_nearest_stay_for_those_that_a_longer_run_would_have() -> None:
    found = [(0, 0), (0, 1), (0, 7), (0, 43), (0, 285), (2, 0)]
    longer = [(0, 0), (0, 1), (0, 8), (0, 61), (0, 479)]  # and (4, 0), to come
    assert choose_kept(found, longer, 938) == {*found} - {(2, 0)}
    assert choose_kept(found, found, 938) == {*found}
    assert choose_kept(found, [(0, 0), (0, 50)], 938) == {(0, 0), (0, 43)}
    assert choose_kept([], longer, 938) == set()


def test_snapshots_beyond_where_a_run_begins_are_deleted(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for place in ((0, 0), (0, 59), (9, 0)):
        folder.snapshot(place).write_bytes(b"old")
    run(tmp_path, 2)
    assert set(folder.snapshots()) == {(0, 0), (4, 0)}
    assert b"old" not in contents(tmp_path).values()


def test_one_that_cannot_be_written_is_told_once_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    warnings: list[str] = []
    monkeypatch.setattr(os, "fsync", full)
    model = toy_model()
    callback = Snapshots(RunFolder(tmp_path), 12, on_warning=warnings.append)
    train(model, DATA, RECIPE, callbacks=[callback])
    assert len(warnings) == 1
    assert "the training goes on" in warnings[0]
    assert list(tmp_path.iterdir()) == []
    assert model.parameters.tobytes() == run(None).parameters.tobytes()


def test_a_network_that_halves_cannot_hold_is_told_of(tmp_path: Path) -> None:
    warnings: list[str] = []
    recipe = Recipe(batch_size=8, **{**FAST, "lr": 1e6})
    callback = Snapshots(RunFolder(tmp_path), EVERY, on_warning=warnings.append)
    with pytest.raises(DivergedError):
        train(toy_model(), DATA, recipe, callbacks=[callback])
    assert len(warnings) == 1


def test_the_time_that_they_take_is_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])

    def saved(*_: Any, **__: Any) -> None:
        clock[0] += 100.0

    monkeypatch.setattr("mlp.models.model_file.save", saved)
    history = train(toy_model(), DATA, RECIPE, callbacks=[Snapshots(RunFolder(tmp_path), 12)])
    assert [epoch.seconds for epoch in history.epochs] == [0.0] * 4
