"""One run of a search: from where it was, up to a rung."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from backends import Backend
from mlp.common.errors import DivergedError, UsageError
from mlp.common.quiet import quiet
from mlp.data.dataset import Dataset, hold_out
from mlp.data.load import load_dataset
from mlp.training.callbacks import Callback
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.runs.build import as_started, ask_for_task, build_network
from mlp.training.runs.checkpointer import Checkpointer
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.lock import is_locked, locked
from mlp.training.runs.settings import Settings
from mlp.training.runs.signals import Signals, StopOnSignal
from mlp.training.search.halving import TrialResult

CHECKPOINT_MINUTES = 2.0
"""How old a run's state may become within an epoch."""

PATIENCE = 30.0
"""Seconds that a run waits for the process that went on with it before, and may be ending."""


class StopAfter(Callback):
    """Stops a run at a rung; where `Checkpointer` comes after it, the state there is saved.

    Args:
        epochs: of the rung.
    """

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self.reason = f"it has reached the rung of {epochs} epochs"

    def on_epoch_begin(self, run: Run) -> None:
        self.on_epoch_end(run)  # it may have been there when it was killed

    def on_epoch_end(self, run: Run) -> None:
        if self._epochs <= run.epoch < run.recipe.epochs:
            run.stop(self.reason)


def without_test(dataset: Dataset, validation: float, seed: int) -> Dataset:
    """Put the images held out in the place of the test's, which no run of a search gets to see.

    Raises:
        UsageError: if none is held out, or all are.
    """
    _, held_out = hold_out(dataset, validation, seed)
    if len(held_out) == 0:
        raise UsageError(
            f"a validation of {validation:g} holds out none of {len(dataset.train):,} training "
            "images, and a search compares its runs by them: set --validation higher"
        )
    return replace(dataset, test=held_out)


def open_data(settings: Settings, validation: float) -> Dataset:
    """Load what a trial learns from and is validated on; see `without_test`."""
    data = settings.data
    folder = None if data.folder is None else Path(data.folder)
    found = load_dataset(data.dataset, folder, reading=settings.reading, kind=data.task)
    found = as_started(settings, ask_for_task(data, found))
    return without_test(found, validation, settings.training.seed)


def recipe_of(settings: Settings, validation: float, dataset: Dataset) -> Recipe:
    """Return the recipe that a trial is trained by: its own, measured after each epoch."""
    return replace(
        settings.training,
        validation=validation,
        report_every=1,
        train_accuracy="running" if dataset.task.kind == "multiclass" else "after",
    )


def run_trial(
    trial: int,
    settings: Settings,
    dataset: Dataset,
    backend: Backend,
    folder: RunFolder,
    epochs: int,
    validation: float,
    *,
    signals: Signals | None = None,
    callbacks: Sequence[Callback] = (),
    warn: Callable[[str], None] = quiet,
) -> TrialResult | None:
    """Train a trial from its latest state, or from its beginning, up to a rung.

    Its state is saved there, and where a signal stops it.

    Args:
        trial: its number.
        settings: what it is trained by; its epochs are those of a whole run, and its schedule
            reaches to their end.
        dataset: see `without_test`.
        backend: the device.
        folder: where its states are kept.
        epochs: of the rung.
        validation: the share or the count held out.
        signals: stop the run.
        callbacks: called as it goes on.
        warn: called with a sentence where a state cannot be written or read.

    Returns:
        What it came to, also where it diverged or its choices make no run; None where it was
        stopped before the rung.

    Raises:
        UsageError: if another process goes on with it.
        ModelError: if a model to start from cannot be read, or no state of several.
        OSError: if its folder cannot be made.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    signals = signals or Signals()
    rung = StopAfter(epochs)
    with _lock(folder.path, warn):
        saved, state = folder.latest_state(warn)
        recipe = recipe_of(settings, validation, dataset)
        keeping = Checkpointer(
            folder, CHECKPOINT_MINUTES, keep=1, resumed=saved, signals=signals, on_warning=warn
        )
        watching = [*callbacks, rung, keeping, StopOnSignal(signals)]
        try:
            _, model = build_network(settings, dataset, backend, resumed=state is not None)
            history = train(model, dataset, recipe, callbacks=watching, state=state)
        except DivergedError as error:
            return TrialResult(trial, epochs, None, None, 0.0, str(error))
        except UsageError as error:  # its values go not together, which is no fault of the others
            return TrialResult(trial, epochs, None, None, 0.0, refused=str(error))
    result = history.result
    reached = history.epochs[-1].epoch if history.epochs else 0
    ended_early = history.stopped is not None and not signals.stopped(history)  # by its patience
    if result is None or history.interrupted or (reached < epochs and not ended_early):
        return None
    accuracy, loss = map(_finite, (result.validation_accuracy, result.validation_loss))
    return TrialResult(trial, epochs, accuracy, loss, history.train_seconds)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


@contextmanager
def _lock(folder: Path, warn: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a trial's folder, once who held it before has ended."""
    until = time.monotonic() + PATIENCE
    while is_locked(folder) and time.monotonic() < until:
        time.sleep(0.05)
    with locked(folder, warn):
        yield
