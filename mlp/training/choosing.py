"""Which epoch's parameters to keep and when to stop: decided by validation, never by the test."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from backends import Array
from mlp.data.task import score_name, score_text
from mlp.training.callbacks import Callback
from mlp.training.history import Epoch
from mlp.training.recipe import Recipe
from mlp.training.run import Run


def choosing(recipe: Recipe) -> Iterator[Callback]:
    """Make the callbacks of this module that a recipe asks for."""
    if recipe.keep == "best":
        yield KeepBest(recipe.monitor)
    if recipe.patience is not None:
        yield EarlyStopping(recipe.monitor, recipe.patience, recipe.min_delta)


def _score(epoch: Epoch, monitor: str) -> float:
    """Return how well an epoch validated: the higher, the better."""
    assert epoch.validation_accuracy is not None  # a recipe without validation is refused
    assert epoch.validation_loss is not None
    return epoch.validation_accuracy if monitor == "accuracy" else -epoch.validation_loss


class KeepBest(Callback):
    """Gives the network, at the end, the parameters of the epoch that validated best.

    Of equally good epochs, the first is kept.

    Args:
        monitor: ``accuracy`` or ``loss``.
    """

    name = "keep_best"

    def __init__(self, monitor: str) -> None:
        self._monitor = monitor
        self._epoch, self._score = 0, -math.inf
        self._parameters: Array | None = None

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        score = _score(epoch, self._monitor)
        if self._parameters is not None and score <= self._score:
            return
        self._epoch, self._score = epoch.epoch, score
        xp, parameters = run.model.backend.xp, run.model.parameters
        if self._parameters is None:
            self._parameters = xp.empty_like(parameters)
        xp.copyto(self._parameters, run.model.backend.asarray(parameters))

    def on_stop(self, run: Run) -> None:
        if self._parameters is not None:
            backend = run.model.backend
            backend.xp.copyto(run.model.parameters, backend.asarray(self._parameters))
            run.history.chosen = self._epoch

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        kept = {} if self._parameters is None else {"parameters": self._parameters}
        return {"epoch": self._epoch, "score": self._score}, kept

    def restore(self, values: dict[str, Any], arrays: dict[str, Any]) -> None:
        self._epoch, self._score = values["epoch"], values["score"]
        self._parameters = arrays.get("parameters")


class EarlyStopping(Callback):
    """Stops a run that no longer validates better.

    Args:
        monitor: ``accuracy`` or ``loss``.
        patience: how many measured epochs in a row may bring no progress.
        min_delta: progress is being better than the best so far by more than this.
    """

    name, may_miss = "early_stopping", True

    def __init__(self, monitor: str, patience: int, min_delta: float) -> None:
        self.monitor, self.patience, self.min_delta = monitor, patience, min_delta
        self._best, self._waited = -math.inf, 0
        self.has_stopped = False
        """Whether it has."""

    def on_epoch_begin(self, run: Run) -> None:
        if self._waited >= self.patience:  # in a run that was resumed after its end
            self._stop(run)

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        score = _score(epoch, self.monitor)
        if score > self._best + self.min_delta:
            self._best, self._waited = score, 0
            return
        self._waited += 1
        if self._waited >= self.patience and epoch.epoch < run.recipe.epochs:
            self._stop(run)

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        return {"best": self._best, "waited": self._waited}, {}

    def restore(self, values: dict[str, Any], arrays: dict[str, Any]) -> None:
        self._best, self._waited = values["best"], values["waited"]

    def _stop(self, run: Run) -> None:
        self.has_stopped = True
        kind = run.dataset.task.kind
        if self.monitor == "accuracy":
            measure, best, better = score_name(kind), score_text(kind, self._best), "grown"
        else:
            measure, best, better = "loss", f"{-self._best:.4f}", "fallen"
        run.stop(
            f"the validation {measure} has not {better} for {self._waited} epochs: it was at "
            f"best {best}"
        )


def has_stopped_early(callback: Callback) -> bool:
    """Whether a callback has stopped its run as it no longer validated better."""
    return isinstance(callback, EarlyStopping) and callback.has_stopped
