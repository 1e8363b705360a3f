"""A run of a search: stopped at rungs, it is the run that was never stopped, to the byte."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from toys import toy_dataset

from backends import get_backend
from mlp.common.errors import UsageError
from mlp.data.dataset import hold_out
from mlp.training.architecture import Architecture
from mlp.training.callbacks import Callback
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.settings import Settings
from mlp.training.runs.signals import Signals
from mlp.training.search.halving import TrialResult
from mlp.training.search.trial import open_data, recipe_of, run_trial, without_test

CPU = get_backend("cpu")
DATA = toy_dataset(train=100)
SEEN = without_test(DATA, 0.2, 0)
SETTINGS = Settings(
    network=Architecture(hidden=(9,)),
    training=Recipe(epochs=6, lr=0.2, batch_size=10, weight_decay=0.001),
)


def go(
    folder: Path, epochs: int, settings: Settings = SETTINGS, **options: object
) -> TrialResult | None:
    return run_trial(4, settings, SEEN, CPU, RunFolder(folder), epochs, 0.2, **options)  # type: ignore[arg-type]


def last_state(folder: Path) -> np.ndarray:
    _, state = RunFolder(folder).latest_state(lambda sentence: pytest.fail(sentence))
    assert state is not None
    return state.finished


def test_a_run_over_rungs_is_a_whole_run(tmp_path: Path) -> None:
    whole = go(tmp_path / "whole", 6)
    parts = [go(tmp_path / "parts", epochs) for epochs in (1, 3, 6)]
    assert whole is not None
    assert parts[-1] is not None
    assert replace(parts[-1], seconds=0) == replace(whole, seconds=0)
    assert (whole.trial, whole.epochs) == (4, 6)
    np.testing.assert_array_equal(last_state(tmp_path / "whole"), last_state(tmp_path / "parts"))
    assert parts[0] is not None
    assert (parts[0].loss, parts[0].epochs) != (whole.loss, 6)


def test_a_rung_that_was_reached_is_not_left(tmp_path: Path) -> None:
    """As where the process was killed after the state was saved, and before that was told."""
    first, again = go(tmp_path, 3), go(tmp_path, 3)
    assert first == again


def test_a_run_that_a_signal_stops_goes_on(tmp_path: Path) -> None:
    signals = Signals()

    class Send(Callback):
        def on_update(self, run: Run, seen: int, loss: object) -> None:
            if run.epoch == 2:
                signals.received = signal.SIGTERM

    assert go(tmp_path / "a", 6, signals=signals, callbacks=[Send()]) is None
    assert go(tmp_path / "a", 6) is not None
    go(tmp_path / "b", 6)
    np.testing.assert_array_equal(last_state(tmp_path / "a"), last_state(tmp_path / "b"))


def test_what_diverges_is_told_and_no_crash(tmp_path: Path) -> None:
    wild = replace(SETTINGS, training=replace(SETTINGS.training, lr=1e9))
    found = go(tmp_path, 3, wild)
    assert found is not None
    assert found.diverged is not None
    assert (found.accuracy, found.epochs) == (None, 3)


def test_a_run_whose_patience_ended_counts_as_whole(tmp_path: Path) -> None:
    recipe = replace(SETTINGS.training, patience=1, validation=0.2, min_delta=1.0, epochs=30)
    found = [go(tmp_path, epochs, replace(SETTINGS, training=recipe)) for epochs in (20, 30)]
    assert None not in found
    assert found[0] is not None
    assert found[1] == replace(found[0], epochs=30)


def test_the_test_images_are_not_there(tmp_path: Path) -> None:
    _, held_out = hold_out(DATA, 0.2, 0)
    np.testing.assert_array_equal(SEEN.test.images, held_out.images)
    assert len(SEEN.test) == 20
    spoilt = replace(DATA, test=replace(DATA.test, labels=(DATA.test.labels + 1) % 5))
    others = without_test(spoilt, 0.2, 0)
    one = run_trial(0, SETTINGS, SEEN, CPU, RunFolder(tmp_path / "a"), 2, 0.2)
    two = run_trial(0, SETTINGS, others, CPU, RunFolder(tmp_path / "b"), 2, 0.2)
    assert one is not None
    assert two is not None
    assert (one.accuracy, one.loss) == (two.accuracy, two.loss)
    with pytest.raises(UsageError, match="holds out none"):
        without_test(DATA, 0.001, 0)


def test_its_recipe_is_measured_after_each_epoch() -> None:
    recipe = recipe_of(
        replace(SETTINGS, training=replace(SETTINGS.training, report_every=5)), 0.2, SEEN
    )
    assert (recipe.report_every, recipe.validation, recipe.epochs) == (1, 0.2, 6)


def test_data_is_opened_as_the_settings_say() -> None:
    data = replace(SETTINGS.data, dataset="synthetic:50+10", task="binary", positive=(1, 2))
    found = open_data(replace(SETTINGS, data=data), 0.1)
    assert (found.task.kind, len(found.train), len(found.test)) == ("binary", 50, 5)


def test_a_trial_goes_on_on_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, cuda = open_stand_in(monkeypatch)
    whole = run_trial(0, SETTINGS, SEEN, cuda, RunFolder(tmp_path / "whole"), 6, 0.2)
    parts = [
        run_trial(0, SETTINGS, SEEN, cuda, RunFolder(tmp_path / "parts"), epochs, 0.2)
        for epochs in (2, 6)
    ]
    assert whole is not None
    assert parts[1] is not None
    assert (whole.accuracy, whole.loss) == (parts[1].accuracy, parts[1].loss)
