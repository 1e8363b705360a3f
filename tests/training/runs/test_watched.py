"""A run that is watched: it is trained as if it were not, tells how it stands, and obeys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, toy_model

from backends import Array
from mlp.nn.network import MLP
from mlp.training.callbacks import Callback
from mlp.training.history import Epoch, History
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.runs import watched
from mlp.training.runs.signals import Signals
from mlp.training.runs.watch_files import ABOUT, ASKED, MOMENT, RunControl, WatchFiles
from mlp.training.runs.watched import STOPPED, Watched
from mlp.training.state import TrainingState

RECIPE = Recipe(batch_size=1, **FAST)  # 60 updates in each of 4 epochs, a span of some at a time


class Scripted(WatchFiles):
    """Asks of a run, at each look, the next of several things, and the last for ever."""

    def __init__(self, folder: Path, *script: RunControl | None) -> None:
        super().__init__(folder)
        self.script = list(script)
        self.told: list[dict[str, Any]] = []

    def asked(self) -> RunControl | None:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def tell(self, values: Any, arrays: Any) -> None:
        super().tell(values, arrays)
        self.told.append({**values, **{name: a.copy() for name, a in arrays.items()}})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look and tell at every update."""
    for name in ("LOOK", "PACE", "SHARE"):
        monkeypatch.setattr(watched, name, 1e12 if name == "SHARE" else 0.0)
    monkeypatch.setattr("time.sleep", lambda _: None)


def run(*callbacks: Callback, **options: Any) -> tuple[MLP, History]:
    model = toy_model()
    return model, train(model, DATA, RECIPE, callbacks=callbacks, **options)


def test_a_run_that_is_watched_ends_in_the_same_bytes(tmp_path: Path) -> None:
    alone, _ = run()
    files = Scripted(tmp_path, RunControl())
    model, history = run(Watched(files))
    assert len(files.told) > 4
    np.testing.assert_array_equal(model.parameters, alone.parameters)
    assert len(history.epochs) == 4


def test_nobody_is_told_anything_where_nobody_watches(tmp_path: Path) -> None:
    run(Watched(WatchFiles(tmp_path)))
    assert not list(tmp_path.iterdir())


def test_what_is_told_is_what_is(tmp_path: Path) -> None:
    files = Scripted(tmp_path, RunControl())
    model, history = run(Watched(files))
    told = files.about()
    assert told is not None
    about, sample = told
    assert about["network"]["sizes"] == [16, 9, 7, 5]
    assert (about["steps"], about["recipe"]["epochs"], about["dataset"]) == (60, 4, "toy")
    assert about["task"]["kind"] == "multiclass"
    assert sample["x"].shape == (20, 16)
    np.testing.assert_array_equal(sample["labels"], DATA.test.labels[sample["rows"]])
    pixels = DATA.test.images[sample["rows"]].reshape(20, 16)
    np.testing.assert_allclose(sample["x"], pixels / 255, rtol=1e-6)
    last = files.told[-1]
    assert (last["epoch"], last["ended"], len(last["history"])) == (4, True, 4)
    np.testing.assert_array_equal(last["parameters"], model.parameters)
    across, losses = last["losses"].T
    assert (np.diff(across) > 0).all()
    assert across[-1] == 4
    last_epoch = losses[across > 3].mean()
    assert last_epoch == pytest.approx(history.epochs[-1].loss, rel=0.2)
    places = [(moment["epoch"], moment["update"]) for moment in files.told[:-1]]
    assert places == sorted(places)
    assert len(set(places)) > 4


def test_the_curve_of_losses_has_every_update_once_and_stays_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "POINTS", 20)
    files = Scripted(tmp_path, RunControl())
    run(Watched(files))
    across = files.told[-1]["losses"][:, 0]
    assert 10 <= len(across) <= 21
    assert (np.diff(across) > 0).all()


def test_who_comes_late_sees_the_curve_from_the_beginning(tmp_path: Path) -> None:
    files = Scripted(tmp_path, *[None] * 8, RunControl())
    run(Watched(files))
    assert len(files.told[0]["losses"])
    assert files.told[0]["losses"][0, 0] < 0.5


def test_a_run_waits_and_goes_on_by_steps(tmp_path: Path) -> None:
    paused = [RunControl(paused=True, steps=steps) for steps in (0, 0, 0, 1, 1, 2, 2)]
    files = Scripted(tmp_path, RunControl(), *paused, RunControl())
    model, _ = run(Watched(files))
    alone, _ = run()
    np.testing.assert_array_equal(model.parameters, alone.parameters)
    waited = [moment for moment in files.told if moment["paused"]]
    assert len({(moment["epoch"], moment["update"]) for moment in waited}) == 3


def test_where_it_waits_is_told_again_if_it_could_not_be_told(tmp_path: Path) -> None:
    paused = [RunControl(paused=True, steps=steps) for steps in (0, 0, 0, 1, 1, 1)]
    failed: set[tuple[int, int]] = set()

    class OnceFull(Scripted):
        def tell(self, values: Any, arrays: Any) -> None:
            place = values["epoch"], values["update"]
            if values["paused"] and place not in failed:
                failed.add(place)
                raise OSError(28, "No space left on device")
            super().tell(values, arrays)

    files = OnceFull(tmp_path, RunControl(), *paused, RunControl())
    run(Watched(files))
    waited = [(moment["epoch"], moment["update"]) for moment in files.told if moment["paused"]]
    assert len(waited) == 2
    assert set(waited) == failed


@pytest.mark.parametrize("gone", [True, False])
def test_a_pause_ends_when_nobody_watches_any_more_or_a_signal_comes(
    tmp_path: Path, gone: bool
) -> None:
    signals = Signals()
    files = Scripted(tmp_path, RunControl(paused=True), *([None] if gone else []))
    if not gone:
        signals.received = 2  # type: ignore[assignment]
    _, history = run(Watched(files, signals))
    assert len(history.epochs) == 4


def test_the_rate_is_changed_from_the_next_epoch_on(tmp_path: Path) -> None:
    notes: list[str] = []
    files = Scripted(tmp_path, RunControl(rate=0.5))
    model, _ = run(Watched(files, on_note=notes.append))
    slower = toy_model()
    train(slower, DATA, Recipe(batch_size=1, **{**FAST, "lr": 0.1}))
    np.testing.assert_array_equal(model.parameters, slower.parameters)
    assert len(notes) == 1
    assert "times 0.5 from epoch 1 on" in notes[0]
    assert files.told[-1]["rate"] == 0.5


class Saves(Callback):
    """Takes the state after the second epoch."""

    saved: TrainingState

    def on_epoch_end(self, run: Run) -> None:
        if run.epoch == 2:
            self.saved = run.state()


def test_a_run_that_is_resumed_keeps_its_rate(tmp_path: Path) -> None:
    saves = Saves()
    model, _ = run(Watched(Scripted(tmp_path, RunControl(rate=0.5))), saves)
    again, _ = run(Watched(Scripted(tmp_path, None)), state=saves.saved)
    np.testing.assert_array_equal(again.parameters, model.parameters)


def test_a_run_that_is_stopped_ends_after_its_epoch_and_keeps_it(tmp_path: Path) -> None:
    files = Scripted(tmp_path, RunControl(), RunControl(), RunControl(paused=True, stop=True))
    model, history = run(Watched(files))
    assert history.stopped == STOPPED
    assert not history.interrupted
    assert len(history.epochs) == 1
    np.testing.assert_array_equal(files.told[-1]["parameters"], model.parameters)
    assert files.told[-1]["stopped"] == STOPPED


class Counts(Callback):
    """Counts the seconds of epochs."""

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        assert epoch.seconds >= 0

    def on_update(self, run: Run, seen: int, loss: Array) -> None:
        del run, seen, loss


def test_a_folder_that_goes_away_disturbs_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    WatchFiles(folder).ask(RunControl())

    class Goes(Callback):
        def on_epoch_end(self, run: Run) -> None:
            if run.epoch == 2:
                for path in folder.iterdir():
                    path.unlink()
                folder.rmdir()

    files = Scripted(folder, RunControl())
    files.tell = WatchFiles(folder).tell  # type: ignore[method-assign]
    _, history = run(Watched(files), Goes(), Counts())
    assert len(history.epochs) == 4


def test_who_comes_in_the_last_epoch_sees_how_it_ended(tmp_path: Path) -> None:
    """As the page comes that has started a short run."""

    class Comes(Callback):
        def on_epoch_end(self, run: Run) -> None:
            if run.epoch == 4:
                WatchFiles(tmp_path).ask(RunControl())

    run(Watched(WatchFiles(tmp_path)), Comes())
    moment = WatchFiles(tmp_path).moment()
    assert moment is not None
    assert moment[0]["ended"]
    assert len(moment[0]["history"]) == 4


def test_a_watched_run_writes_into_its_folder_alone(tmp_path: Path) -> None:
    WatchFiles(tmp_path).ask(RunControl())
    run(Watched(WatchFiles(tmp_path)))
    assert {path.name for path in tmp_path.iterdir()} == {ABOUT, ASKED, MOMENT}


def test_a_moment_that_was_held_up_does_not_silence_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of 0.2 s took 0.2 / 0.003 s, a minute, from what the page showed."""
    now = [0.0]

    class HeldUp(Scripted):
        def tell_about(self, values: Any, arrays: Any) -> None:
            super().tell_about(values, arrays)
            now[0] += 50

        def tell(self, values: Any, arrays: Any) -> None:
            super().tell(values, arrays)
            now[0] += 1 if len(self.told) % 2 else 50

    monkeypatch.setattr(watched, "SHARE", 1.0)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    told = Watched(HeldUp(tmp_path, RunControl()))
    due: list[float] = []

    class Looking(Callback):
        def on_state(self, run: Any) -> None:
            due.append(told._next_moment - now[0])
            now[0] += 1

        def wants_state(self, run: Any) -> bool:
            return True

    run(told, Looking())
    assert len(due) > 4
    assert max(due) <= 1
