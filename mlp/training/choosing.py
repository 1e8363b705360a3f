"""Which epoch's network is kept, and when to stop: by validation, never by the test images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backends import Array
from mlp.training.callbacks import Callback
from mlp.training.history import Epoch
from mlp.training.recipe import Recipe
from mlp.training.run import Run


def choosing(recipe: Recipe) -> Iterator[Callback]:
    """Make what a recipe wants of these."""
    if recipe.keep == "best":
        yield KeepBest()
    if recipe.patience is not None:
        yield EarlyStopping(recipe.patience, recipe.min_delta)


class KeepBest(Callback):
    """Gives the network, at the end, the parameters of the epoch that validated best.

    The first of equals is kept.
    """

    name = "keep_best"

    def __init__(self) -> None:
        self._epoch, self._accuracy = 0, -1.0
        self._parameters: Array | None = None

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        assert epoch.validation_accuracy is not None  # a recipe without validation is refused
        if epoch.validation_accuracy <= self._accuracy:
            return
        self._epoch, self._accuracy = epoch.epoch, epoch.validation_accuracy
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
        return {"epoch": self._epoch, "accuracy": self._accuracy}, kept

    def restore(self, values: dict[str, Any], arrays: dict[str, Any]) -> None:
        self._epoch, self._accuracy = values["epoch"], values["accuracy"]
        self._parameters = arrays.get("parameters")


class EarlyStopping(Callback):
    """Stops a run whose validation accuracy no longer grows.

    Args:
        patience: how many measured epochs in a row may bring no progress.
        min_delta: what counts as progress: more than this above the best so far.
    """

    name = "early_stopping"

    def __init__(self, patience: int, min_delta: float) -> None:
        self.patience, self.min_delta = patience, min_delta
        self._best, self._waited = -1.0, 0

    def on_epoch_begin(self, run: Run) -> None:
        if self._waited >= self.patience:  # in a run that was resumed after its end
            self._stop(run)

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        assert epoch.validation_accuracy is not None  # a recipe without validation is refused
        if epoch.validation_accuracy > self._best + self.min_delta:
            self._best, self._waited = epoch.validation_accuracy, 0
            return
        self._waited += 1
        if self._waited >= self.patience and epoch.epoch < run.recipe.epochs:
            self._stop(run)

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        return {"best": self._best, "waited": self._waited}, {}

    def restore(self, values: dict[str, Any], arrays: dict[str, Any]) -> None:
        self._best, self._waited = values["best"], values["waited"]

    def _stop(self, run: Run) -> None:
        run.stop(
            f"the validation accuracy has not grown for {self._waited} epochs: it was at best "
            f"{self._best:.2%}"
        )
