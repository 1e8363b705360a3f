"""Ranks that are watched: the first tells, and a pause, a rate and a stop are for all."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from thread_ranks import run_ranks
from toys import DATA, FAST, toy_model

from mlp.training.callbacks import Callback
from mlp.training.loop import train
from mlp.training.ranks.ranks import Ranks
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.runs import watch_ranks, watched
from mlp.training.runs.share_signals import ShareSignals
from mlp.training.runs.signals import Signals, StopOnSignal
from mlp.training.runs.watch_files import RunControl, WatchFiles
from mlp.training.runs.watch_ranks import WatchRanks
from mlp.training.runs.watched import STOPPED, Watched
from mlp.training.state import TrainingState

RECIPE = Recipe(batch_size=20, **FAST)  # 3 updates in each of 4 epochs


class Scripted(WatchFiles):
    """Asks of a run, at each look, the next of several things, and the last for ever."""

    def __init__(self, folder: Path, *script: RunControl | None) -> None:
        super().__init__(folder)
        self.script = list(script)

    def asked(self) -> RunControl | None:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


class Saves(Callback):
    """Takes the state after the second epoch, in the first rank."""

    saved: TrainingState

    def on_epoch_end(self, run: Run) -> None:
        if run.epoch == 2 and run.trainer.ranks.rank == 0:
            self.saved = run.state()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look, tell and meet as often as can be."""
    for name in ("LOOK", "PACE", "SHARE"):
        monkeypatch.setattr(watched, name, 1e12 if name == "SHARE" else 0.0)
    monkeypatch.setattr(watch_ranks, "BEAT", 0.0)
    monkeypatch.setattr("time.sleep", lambda _: None)


def run(
    ranks: Ranks,
    script: list[RunControl | None],
    folder: Path,
    *others: Callback,
    received: Callable[[Ranks], signal.Signals | None] = lambda ranks: None,
    **options: Any,
) -> Any:
    """Train as a rank; return the bytes, and the epochs and what stopped them."""
    signals = Signals()
    signals.received = received(ranks)
    watching = Watched(Scripted(folder, *script), signals) if ranks.rank == 0 else None
    stops = [ShareSignals(ranks, signals), StopOnSignal(signals)]
    callbacks = [WatchRanks(ranks, signals, watching), *stops, *others]
    model = toy_model()
    history = train(model, DATA, RECIPE, ranks=ranks, callbacks=callbacks, **options)
    return model.parameters.tobytes(), len(history.epochs), history.stopped


def test_ranks_wait_and_go_on_by_steps_and_end_in_the_same_bytes(tmp_path: Path) -> None:
    alone = run_ranks(1, lambda ranks: run(ranks, [None], tmp_path))[0]
    paused = [RunControl(paused=True, steps=steps) for steps in (0, 0, 0, 1, 1, 2, 2)]
    script = [RunControl(), *paused, RunControl()]
    assert run_ranks(3, lambda ranks: run(ranks, script, tmp_path)) == [alone] * 3
    told = WatchFiles(tmp_path).moment()
    assert told is not None
    assert (told[0]["epoch"], told[0]["ended"]) == (4, True)


def test_all_follow_a_rate_also_where_the_run_goes_on(tmp_path: Path) -> None:
    saves = Saves()
    whole = run_ranks(2, lambda ranks: run(ranks, [RunControl(rate=0.5)], tmp_path, saves))
    slower = toy_model()
    recipe = Recipe(batch_size=20, **{**FAST, "lr": FAST["lr"] / 2})
    by_itself = run_ranks(1, lambda ranks: train(slower, DATA, recipe, ranks=ranks))
    assert len(by_itself) == 1
    assert [bytes_ for bytes_, *_ in whole] == [slower.parameters.tobytes()] * 2
    again = run_ranks(3, lambda ranks: run(ranks, [None], tmp_path, state=saves.saved))
    assert [bytes_ for bytes_, *_ in again] == [slower.parameters.tobytes()] * 3


def test_all_stop_after_the_epoch(tmp_path: Path) -> None:
    script = [RunControl(), RunControl(paused=True, stop=True)]
    for _, epochs, stopped in run_ranks(2, lambda ranks: run(ranks, script, tmp_path)):
        assert (epochs, stopped) == (1, STOPPED)


def test_a_signal_to_one_ends_the_pause_of_all(tmp_path: Path) -> None:
    def to_the_last(ranks: Ranks) -> signal.Signals | None:
        return signal.SIGTERM if ranks.rank == 1 else None

    script: list[RunControl | None] = [RunControl(paused=True)]
    ended = run_ranks(2, lambda ranks: run(ranks, script, tmp_path, received=to_the_last))
    assert [(epochs, stopped) for _, epochs, stopped in ended] == [(0, "SIGTERM")] * 2
