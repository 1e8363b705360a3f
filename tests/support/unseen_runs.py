"""Runs on a stand-in for a GPU, of which some epochs pass unseen, and what came of them."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from cupy_stand_in import StandIn
from toys import CLASSES, DATA, toy_model

from mlp.training.callbacks import Callback
from mlp.training.history import History
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.trainer import Trainer

FULL: dict[str, Any] = {"batch_size": "full", "lr": 0.2, "warmup": 2.0, "schedule": "cosine"}

AS_ONE: dict[str, dict[str, Any]] = {
    "full batch": {},
    "running accuracy": {"train_accuracy": "running"},
    "moving average": {"average": "ema(0.9)"},
    "frozen": {"freeze": "1"},
    "max-norm": {"max_norm": 0.5},
    "clipped": {"clip_norm": 0.3},
    "weighted": {"class_weight": "balanced"},
    "adam": {"optimizer": "adam"},
    "quadratic": {"loss": "quadratic"},
}
"""Recipes of full batches, in which several epochs are one launch."""

ONE_BY_ONE: dict[str, dict[str, Any]] = {
    "mini-batches": {"batch_size": 8},
    "mini-batches in order": {"batch_size": 25, "shuffle": False},
    "dropout": {"dropout": 0.5},
    "deformed": {"augment": "affine"},
    "mean over epochs": {"average": "swa(3)"},
    "averaged mini-batches": {"batch_size": 25, "average": "swa(3)"},
}
"""Recipes in which something differs from epoch to epoch that the host draws or computes."""

FEW = 8 * 5 * 4 * (16 + 3 * (9 + 7 + CLASSES))
"""Free bytes that let a micro-batch have five images."""


class Sees(Callback):
    """Is called in each epoch, so that none passes unseen; remembers the parameters after each."""

    def __init__(self) -> None:
        self.parameters: list[np.ndarray] = []

    def on_epoch_end(self, run: Run) -> None:
        self.parameters.append(np.array(run.model.parameters))


class Ended(Callback):
    """Tells how many epochs a run had finished when it ended."""

    may_miss = True
    epoch = -1

    def on_stop(self, run: Run) -> None:
        self.epoch = run.epoch


class Trained(NamedTuple):
    """What came of a run."""

    cupy: StandIn
    parameters: np.ndarray
    history: History
    epochs: list[tuple[int, int, int]]
    """Of each epoch that was seen its number; and how many events were before what passed unseen
    before it, and before itself."""


def trained(
    patch: pytest.MonkeyPatch,
    recipe: Recipe,
    *callbacks: Callback,
    free: int | None = None,
    **options: Any,
) -> Trained:
    """Train on a stand-in."""
    cupy, backend = open_stand_in(patch)
    cupy.free = cupy.free if free is None else free
    epochs, begun, plain = [], [0], Trainer.epoch

    class Begins(Callback):
        may_miss = True

        def on_epoch_begin(self, run: Run) -> None:
            begun[0] = len(cupy.events)

    def epoch(self: Trainer, number: int, *args: Any) -> Any:
        epochs.append((number, begun[0], len(cupy.events)))
        return plain(self, number, *args)

    with pytest.MonkeyPatch.context() as inner:
        inner.setattr(Trainer, "epoch", epoch)
        model = toy_model(backend=backend)
        history = train(model, DATA, recipe, callbacks=[*callbacks, Begins()], **options)
    return Trained(cupy, np.array(model.parameters), history, epochs)


def unseen_events(result: Trained) -> list[Counter[str]]:
    """What was done between the epochs that were seen, by kind."""
    return [
        Counter(kind for kind, _ in result.cupy.events[begin:end])
        for _, begin, end in result.epochs
    ]


def measured(history: History) -> list[tuple[float, ...]]:
    return [(e.epoch, e.loss, e.train_accuracy, e.test_accuracy) for e in history.epochs]
