"""The training loop: epochs are run, measured and reported, and the last good state is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.errors import DivergedError, UsageError
from mlp.data.dataset import Dataset, hold_out
from mlp.models.metadata import Metadata, metadata_of
from mlp.models.predict import check_fits
from mlp.nn.network import MLP
from mlp.training.diagnosis import explain_divergence, warn_after, warn_before
from mlp.training.evaluation import Evaluation
from mlp.training.history import Epoch, History, training_metadata
from mlp.training.recipe import Recipe
from mlp.training.reported_loss import REPORTED_LOSSES
from mlp.training.trainer import Trainer


@np.errstate(all="ignore")  # values that are not finite are looked for, and reported in a sentence
def train(
    model: MLP,
    dataset: Dataset,
    recipe: Recipe | None = None,
    *,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_step: Callable[[int, Array], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> History:
    """Train a network in place.

    An interrupt (Ctrl-C) puts the network back to the end of the last finished epoch and returns.

    Args:
        model: the network; a description of its training is left in ``model.metadata``.
        dataset: what it learns from, and the test images that it is measured on.
        recipe: the hyperparameters; the defaults of `Recipe` unless given.
        on_epoch: called with what was measured, after each epoch that is reported.
        on_step: called after each update; see `Trainer.epoch`.
        on_warning: called with a sentence about what is likely to go wrong, or did.

    Raises:
        ModelError: if the images or classes do not fit the network's widths.
        UsageError: if the validation split leaves nothing to train on, or a running accuracy is
            asked for where each image has more than one answer.
        DivergedError: if a loss is not finite; the network is as after the last finished epoch.
    """
    recipe = recipe or Recipe()
    check_fits(model, dataset.pixels, dataset.classes)
    if recipe.train_accuracy == "running" and dataset.task.kind != "multiclass":
        raise UsageError(
            "a running training accuracy needs one class an image: measure it after each epoch "
            "where the labels answer questions"
        )
    model.metadata = Metadata(metadata_of(model).initialisation, dataset.task)
    train_split, held_out = hold_out(dataset, recipe.validation, recipe.seed)
    trainer = Trainer(model, train_split, recipe)
    evaluation = Evaluation(trainer.replicas(), dataset.test, held_out)
    history = History()
    on_epoch, on_warning = on_epoch or _ignore, on_warning or _ignore
    for sentence in warn_before(model, train_split, recipe):
        on_warning(sentence)
    finished = model.backend.xp.zeros_like(model.parameters)
    model.backend.xp.copyto(finished, model.parameters)
    seconds = 0.0
    try:
        for number in range(recipe.epochs):
            start = time.perf_counter()
            losses = trainer.epoch(number, on_step)
            seconds += time.perf_counter() - start
            _check_finite(losses, model, number, recipe)
            reported = number % recipe.report_every == 0 or number + 1 == recipe.epochs
            if reported:
                epoch = _measure(trainer, evaluation, number, losses, seconds)
                history.epochs.append(epoch)
                seconds = 0.0
            model.backend.xp.copyto(finished, model.parameters)
            if reported:
                on_epoch(epoch)
                for sentence in warn_after(model, trainer.batches, recipe, epoch, losses):
                    on_warning(sentence)
    except KeyboardInterrupt:
        history.interrupted = True
        model.backend.xp.copyto(model.parameters, finished)
    except DivergedError:
        model.backend.xp.copyto(model.parameters, finished)
        raise
    model.metadata = training_metadata(model, recipe, dataset, history, evaluation.temperature())
    return history


def _ignore(_: object) -> None:
    """Stand in for a callback that nobody gave."""


def _measure(
    trainer: Trainer, evaluation: Evaluation, number: int, losses: NDArray[Any], seconds: float
) -> Epoch:
    """Measure the network after an epoch, counted from 0, whose updates had these losses."""
    if trainer.recipe.train_accuracy == "running":
        train_accuracy = trainer.correct() / len(trainer.batches)
    else:
        train_accuracy = evaluation.accuracy_on(trainer.batches)
    return Epoch(
        epoch=number + 1,
        loss=REPORTED_LOSSES[trainer.recipe.loss_on](trainer, losses),
        train_accuracy=train_accuracy,
        test_accuracy=evaluation.test_accuracy(),
        validation_accuracy=evaluation.validation_accuracy(),
        seconds=seconds,
    )


def _check_finite(losses: NDArray[Any], model: MLP, number: int, recipe: Recipe) -> None:
    """Look at the losses, each taken before its update, and at what the last update left."""
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise DivergedError(explain_divergence(losses, int(bad[0]), number, recipe))
    if not bool(model.backend.xp.isfinite(model.parameters).all()):
        raise DivergedError(explain_divergence(losses, len(losses), number, recipe))
