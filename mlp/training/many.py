"""Training a network from each of several seeds: side by side where that is exact, else in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from backends import get_backend
from mlp.common.errors import DivergedError
from mlp.data.dataset import Dataset
from mlp.nn.layers import LAYERS, Layer, Linear
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.nn.stack import LossByNetwork
from mlp.training.callbacks import Callback
from mlp.training.history import History
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.together import Trained, Watch, shares_x, train_together

STOPPED = "a stop was asked for"

MOST_COLUMNS = 1100
"""Columns of all layers of networks side by side from which on a CPU gains no more, where they
share x: wider micro-batches leave its cache. See bench/LOG.md."""

MOST_OWN_COLUMNS, MOST_OWN_IMAGES = 256, 128
"""The same, and the images of an update of all, where each network has its own x."""

COPIES = 12
"""As many times the memory of its parameters a network needs at most: theirs and the model's own,
gradients, two moments, averages, a finished epoch's, and what lies between these."""


class Plan(NamedTuple):
    """How several networks train.

    Attributes:
        at_once: how many side by side; 1 where they train one after another.
        reason: why one after another; None where they do not.
    """

    at_once: int
    reason: str | None = None


def plan(model: MLP, count: int, dataset: Dataset, recipe: Recipe) -> Plan:
    """Choose how many networks train side by side: where they can, as many as are quickest so.

    Args:
        model: one of them.
        count: how many there are.
        dataset: what they learn from.
        recipe: the hyperparameters, but for the seed.
    """
    reason = why_apart(model, dataset, recipe)
    if reason is not None:
        return Plan(1, reason)
    memory = model.backend.memory()
    if memory.is_discrete:
        room = memory.free - memory.working_set  # of the micro-batches of all
        fitting = room // (COPIES * model.parameters.nbytes)
        if fitting < 2:
            return Plan(1, "the device's free memory holds one at a time")
        return Plan(min(count, fitting))
    columns, N = sum(model.sizes[1:]), len(dataset.train)
    fitting = MOST_COLUMNS // columns
    if not shares_x(recipe):
        images = N if recipe.batch_size == "full" else min(recipe.batch_size, N)
        fitting = min(MOST_OWN_COLUMNS // columns, MOST_OWN_IMAGES // images)
    if fitting < 2:
        return Plan(1, "a CPU is quicker so with networks and batches of this size")
    return Plan(min(count, fitting))


def why_apart(model: MLP, dataset: Dataset, recipe: Recipe) -> str | None:
    """Say why such networks cannot train side by side; None where they can.

    Args:
        model: one of them.
        dataset: what they learn from.
        recipe: the hyperparameters, but for the seed.
    """
    own = [layer for layer in model.layers if not (layer.elementwise or isinstance(layer, Linear))]
    reasons = {
        f"the task is {dataset.task.kind}": dataset.task.kind != "multiclass",
        f"{_name(own[0]) if own else ''} looks at each example as a whole": bool(own),
        "dropout leaves out units at random": recipe.dropout or recipe.input_dropout,
        "the images are deformed at random": recipe.augment is not None,
        "the norm of each gradient is limited": recipe.clip_norm is not None,
        "examples have weights": recipe.class_weight is not None
        or dataset.train.weights is not None,
        "each seed holds out other images for validation": recipe.validation,
        f"the loss that is reported is {recipe.loss_on}": recipe.loss_on != "updates",
    }
    for reason, holds in reasons.items():
        if holds:
            return reason
    if not _adds_up_apart(recipe.loss, model.sizes[-1]):
        return f"{recipe.loss} adds up the losses of all networks"
    return None


def _adds_up_apart(loss: str, C: int) -> bool:
    """Tell whether a loss, which may be another's, adds up by network: see `Loss.value`."""
    outputs = np.linspace(0.1, 0.9, 4 * C).reshape(2, 2 * C) ** 2  # of two networks
    labels, one = np.array([0, C - 1]), (C, get_backend("cpu"), "float64")
    together = LossByNetwork(LOSSES.make(loss, *one), 2)
    apart = [
        LOSSES.make(loss, *one).forward(own.copy(), labels).item()
        for own in np.split(outputs, 2, axis=1)
    ]
    try:
        found = together.forward(outputs, labels).ravel()
    except ValueError:  # it does not take a sum a network
        return False
    return np.allclose(found, apart)


def train_many(
    models: Sequence[MLP],
    dataset: Dataset,
    recipe: Recipe,
    seeds: Sequence[int],
    *,
    watch: Watch | None = None,
    at_once: int | None = None,
) -> list[Trained]:
    """Train networks of one shape, in place, each by one recipe with a seed of its own.

    An interrupt returns those that were begun, as after their last finished epoch.

    Args:
        models: the networks, with the initial weights of their seeds.
        dataset: what they learn from, and the test images that they are measured on.
        recipe: the hyperparameters.
        seeds: the seed of each.
        watch: what is called meanwhile.
        at_once: how many train side by side; as `plan` has it unless given.

    Returns:
        What became of each, in order; where they were stopped, those that were not begun are
        missing.
    """
    watch = watch or Watch()
    recipes = [replace(recipe, seed=seed) for seed in seeds]
    if at_once is None:
        at_once = plan(models[0], len(models), dataset, recipe).at_once
    done: list[Trained] = []
    for first in range(0, len(models), at_once):
        group = slice(first, first + at_once)
        if len(models[group]) == 1:
            trained = [_train_one(first, models[first], dataset, recipes[first], watch)]
        else:
            trained = train_together(models[group], dataset, recipes[group], watch, first)
        for number, one in enumerate(trained, first):
            watch.on_trained(number, one)
        done += trained
        if any(one.history.interrupted for one in trained):
            break
    return done


class _StopWhen(Callback):
    """Stops a run between two updates once a stop is wanted; keeps what was measured."""

    may_miss = True

    def __init__(self, wanted: Callable[[], bool]) -> None:
        self._wanted, self.history = wanted, History()

    def on_epoch_begin(self, run: Run) -> None:
        self.history = run.history

    def wants_state(self, run: Run) -> bool:
        return self._wanted()

    def on_state(self, run: Run) -> None:
        run.stop(STOPPED)

    def on_epoch_end(self, run: Run) -> None:
        if self._wanted() and run.epoch < run.recipe.epochs:
            run.stop(STOPPED)


def _train_one(number: int, model: MLP, dataset: Dataset, recipe: Recipe, watch: Watch) -> Trained:
    """Train one network as `mlp.training.loop.train` does; that it diverges is no error."""
    stop = _StopWhen(watch.stops)
    try:
        history = train(
            model,
            dataset,
            recipe,
            callbacks=[stop],
            on_epoch=partial(watch.on_epoch, number),
            on_step=partial(watch.on_step, number),
            on_warning=partial(watch.on_warning, number),
        )
    except DivergedError as error:
        return Trained(model, recipe, stop.history, str(error))
    history.interrupted |= history.stopped == STOPPED
    return Trained(model, recipe, history)


def _name(layer: Layer) -> str:
    return next(name for name, kind in LAYERS.items() if kind is type(layer))
