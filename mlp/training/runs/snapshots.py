"""Snapshots of a run: its network at some moments, which stay, each a model file of its own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mlp.common.errors import ModelError
from mlp.models import model_file
from mlp.training.callbacks import Callback
from mlp.training.history import training_metadata
from mlp.training.runs.folder import Place, RunFolder

if TYPE_CHECKING:
    from mlp.training.run import Run

STORED = "float16"
"""What parameters are rounded to: half the bytes of the model's own file."""


def choose_places(count: int, epochs: int, steps: int) -> set[Place]:
    """Choose at most so many places in a run, dense where a network learns fast.

    They are the beginning, the end, and between them evenly spaced by the logarithm of the number
    of updates; beyond the first epoch, the nearest end of an epoch.

    Args:
        count: how many, at least `mlp.training.runs.settings.FEWEST`.
        epochs: of the run.
        steps: updates of an epoch.
    """
    last = epochs * steps
    places: set[Place] = {(0, 0)}
    for updates in np.rint(np.geomspace(last, 1, count - 1)).astype(int).tolist():
        places.add((0, updates) if updates < steps else (round(updates / steps), 0))
    return places


def choose_kept(found: Collection[Place], places: Collection[Place], steps: int) -> set[Place]:
    """Choose of the places that have a snapshot the nearest to each that should have one.

    Nearest is meant as `choose_places` spaces them.

    Args:
        found: those that have one.
        places: those that should.
        steps: updates of an epoch.
    """

    def scale(place: Place) -> float:
        epoch, update = place
        return math.log1p(epoch * steps + update)

    def nearest(place: Place) -> Place:
        return min(found, key=lambda other: abs(scale(other) - scale(place)))

    return {nearest(place) for place in places} if found else set()


def delete_snapshots(folder: RunFolder, keep: Collection[Place]) -> None:
    """Delete a run's snapshots of other places than some; one that cannot be deleted stays."""
    for place, path in folder.snapshots().items():
        if place not in keep:
            with suppress(OSError):
                path.unlink()


class Snapshots(Callback):
    """Writes a run's network into its folder at some places, with the test accuracy that it has.

    Within an epoch that is the network as its updates left it; after one, what the run would end
    with: the average of the parameters where the recipe has one.

    A snapshot that cannot be written is warned of once, and the run goes on.

    Args:
        folder: the run's.
        count: the most that are kept. Of a run that goes on to more epochs, or with fewer
            snapshots, those stay that are nearest to where it would have them.
        begun: the place from which the run goes on. Snapshots of later places, of a run that was
            killed, are deleted.
        on_warning: called with the sentence.
    """

    def __init__(
        self,
        folder: RunFolder,
        count: int,
        begun: Place = (0, 0),
        on_warning: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder, self._count, self._begun = folder, count, begun
        self._on_warning, self._warned = on_warning, False
        self._places: set[Place] = set()

    def on_epoch_begin(self, run: Run) -> None:
        if self._places:
            return
        steps, begun = run.trainer.steps, self._begun
        self._places = choose_places(self._count, run.recipe.epochs, steps)
        found = [place for place in self._folder.snapshots() if place <= begun]
        past = [place for place in self._places if place <= begun]
        delete_snapshots(self._folder, keep=choose_kept(found, past, steps))
        if self._begun == (0, 0):
            self._take(run, (0, 0))

    def unseen(self, run: Run) -> float:
        seen = (epoch if update else epoch - 1 for epoch, update in self._places)
        return min((epoch - run.epoch for epoch in seen if epoch >= run.epoch), default=math.inf)

    def state_after(self, run: Run) -> Collection[int]:
        return [update for epoch, update in self._places if epoch == run.epoch and update]

    def on_state(self, run: Run) -> None:
        if (run.epoch, run.update) in self._places:
            self._take(run, (run.epoch, run.update))

    def on_epoch_end(self, run: Run) -> None:
        if (run.epoch, 0) in self._places:
            self._take(run, (run.epoch, 0))

    def _take(self, run: Run, place: Place) -> None:
        start, model, kept = time.perf_counter(), run.model, run.model.metadata
        epoch, update = place
        # An average over the ends of epochs has not begun within the first.
        with nullcontext() if update or not epoch else run.trainer.averaged():
            told = training_metadata(model, run.recipe, run.dataset, run.history, None)
            if told.epoch != epoch:  # this place was not measured
                told = replace(
                    told,
                    epoch=epoch or None,
                    train_accuracy=None,
                    validation_accuracy=None,
                    test_accuracy=run.evaluation.test_accuracy(),
                )
            model.metadata = told
            try:
                model_file.save(model, self._folder.snapshot(place), stored=STORED)
            except (ModelError, MemoryError) as error:
                self._warn(str(error) or "no memory is left to write a snapshot")
            finally:
                model.metadata = kept
        if not epoch:
            run.seconds -= time.perf_counter() - start  # which is no training

    def _warn(self, reason: str) -> None:
        if not self._warned:
            self._on_warning(f"{reason}; the training goes on")
        self._warned = True
