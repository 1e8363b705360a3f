"""The training loop: runs epochs, measures and reports them, and keeps the last good state."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.errors import DivergedError, UsageError
from mlp.common.quiet import quiet
from mlp.common.version import package_version
from mlp.data.dataset import Dataset, Split, hold_out
from mlp.data.in_memory import Arrays
from mlp.data.load import load_dataset
from mlp.models.metadata import Metadata, metadata_of
from mlp.models.predict import check_fits
from mlp.nn.network import MLP
from mlp.training.callbacks import Callback, Shorthand
from mlp.training.choosing import choosing, has_stopped_early
from mlp.training.class_weights import weigh_classes
from mlp.training.diagnosis import warn_after, warn_before
from mlp.training.evaluation import Evaluation
from mlp.training.finite import check_finite
from mlp.training.history import Epoch, History, training_metadata
from mlp.training.looks import Looks, judge
from mlp.training.outcome import lost_by
from mlp.training.pairs import check_pairs
from mlp.training.ranks.ranks import ALONE, Ranks, digest_of
from mlp.training.recipe import Recipe
from mlp.training.reported_loss import REPORTED_LOSSES
from mlp.training.run import Run
from mlp.training.start import as_read_by
from mlp.training.state import TrainingState
from mlp.training.suit import suit, usual_recipe
from mlp.training.trainer import Trainer

ALIKE = "start all by one command, on the same data"
"""What is to be done about ranks that differ."""


@np.errstate(all="ignore")  # values that are not finite are checked for, and reported
def train(
    model: MLP,
    dataset: Dataset | Arrays,
    recipe: Recipe | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    state: TrainingState | None = None,
    ranks: Ranks = ALONE,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_step: Callable[[int, Array], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
    measured: bool = True,
) -> History:
    """Train a network in place.

    An interrupt (Ctrl-C) puts the network back to the end of the last finished epoch and returns.

    Args:
        model: the network; a description of its training is left in ``model.metadata``.
        dataset: what it learns from, and the test images that it is measured on; arrays or frames
            ``(X, y)`` are read as by `mlp.data.load.load_dataset`, which holds a fifth out. A model
            that is trained already finds its columns by their names.
        recipe: the hyperparameters; the defaults of `Recipe`, which suit the data, unless given.
        callbacks: called as the run goes on; see `mlp.training.callbacks.Callback`.
        state: of an earlier run of the same recipe, to continue from; the resulting network is the
            same to the bit as if that run had not ended.
        ranks: the processes that train it together, each of which calls this with the same; see
            `mlp.training.ranks.launcher.join`.
        on_epoch: called with what was measured, after each epoch that is reported.
        on_step: called after each update, or each span of updates that a device takes at once;
            see `Trainer.epoch`. It is not told of epochs that a device with memory of its own
            makes between two reports without a look in between; a `Callback` with ``on_update`` is.
        on_warning: called with a sentence about what is likely to go wrong, or did.
        measured: whether the network is measured after epochs, as the recipe has it. Else the
            history has no epochs, and ``model.metadata`` nothing of the data, whose checksum and
            figures take as long as an epoch.

    Raises:
        ModelError: if the images or classes do not fit the network's widths.
        AgreedError: if ranks differ in what they train, or in what became of it.
        UsageError: if choices cannot learn together (see `check_pairs`), the validation split
            leaves nothing to train on, a running accuracy is asked for where each image has more
            than one answer, or the state is of another run.
        DivergedError: if a loss is not finite; the network is as after the last finished epoch, or
            the best one where the recipe keeps that. Or if it is at chance in the end, after steps
            that are far too large, or as it answers all rows alike.
    """
    if not isinstance(dataset, Dataset):
        dataset = load_dataset(dataset, note=on_warning)
    dataset = as_read_by(model, dataset, on_warning or quiet)
    recipe = usual_recipe(dataset) if recipe is None else suit(recipe, dataset)
    chosen = [*choosing(recipe)]
    if chosen and not measured:
        raise UsageError(
            "what is not measured cannot choose: leave out the patience and keep the last network"
        )
    callbacks = [*chosen, *callbacks, Shorthand(on_epoch, on_step)]
    ranks.check_alike(partial(_of_recipe, recipe), ALIKE)  # as sharing follows from it
    ranks.on_all(partial(_check, model, dataset, recipe))
    splits = ranks.on_all(partial(_divide, dataset, recipe, ranks))
    run, evaluation, train_split = ranks.on_all(
        partial(_prepare, model, dataset, *splits, recipe, callbacks, state, ranks)
    )
    trainer = run.trainer
    ranks.check_alike(run.fingerprint, ALIKE)
    trainer.executor.connect()
    kernels = ranks.all_gather(trainer.kernels())
    if on_warning is not None:
        if odd := {*kernels[1:]} - {kernels[0]}:
            on_warning(
                f"ranks compute by {' and by '.join([kernels[0], *sorted(odd)])}, so that another "
                "number of ranks may give other last bits"
            )
        for sentence in warn_before(model, train_split, recipe):
            on_warning(sentence)
    try:
        _run_epochs(run, evaluation, callbacks, on_warning, measured)
    except KeyboardInterrupt:
        run.history.interrupted = True
        with suppress(DivergedError):  # which an epoch before may have been
            judge(run)
    finally:
        run.put_back()
        for callback in callbacks:
            callback.on_stop(run)
    if not measured:
        model.metadata = replace(metadata_of(model), recipe=asdict(recipe))
        return run.history
    temperature = None
    try:
        temperature = evaluation.temperature()
    except KeyboardInterrupt:
        run.history.interrupted = True
    model.metadata = training_metadata(model, recipe, dataset, run.history, temperature)
    history, batches = run.history, trainer.batches
    if history.result is not None and not history.interrupted:
        ended = history.stopped is None or any(map(has_stopped_early, callbacks))
        error = lost_by(model, batches, train_split, history.result, recipe, ended=ended)
        if error is not None:
            raise error
    return run.history


def _of_recipe(recipe: Recipe) -> dict[str, Any]:
    """Return what ranks must have in common before they divide the data."""
    version = {"version of mlp": package_version()}
    return version | {f"{name} of the recipe": value for name, value in asdict(recipe).items()}


def _check(model: MLP, dataset: Dataset, recipe: Recipe) -> None:
    """Refuse what cannot be trained; see `train`."""
    check_fits(model, dataset.pixels, dataset.classes)
    check_pairs(model, dataset, recipe)
    if recipe.train_accuracy == "running" and dataset.task.kind != "multiclass":
        raise UsageError(
            "a running training accuracy needs one class an image: measure it after each epoch "
            "where the labels answer questions"
        )


def _divide(dataset: Dataset, recipe: Recipe, ranks: Ranks) -> tuple[Split, Split]:
    """Divide training from validation images; the copy that this takes is one for each machine."""
    divide = partial(hold_out, dataset, recipe.validation, recipe.seed)
    return ranks.share(divide, of=len(dataset.train)) if recipe.validation else divide()


def _prepare(
    model: MLP,
    dataset: Dataset,
    split: Split,
    held_out: Split,
    recipe: Recipe,
    callbacks: Sequence[Callback],
    state: TrainingState | None,
    ranks: Ranks,
) -> tuple[Run, Evaluation, Split]:
    """Make the run; see `train`.

    Returns:
        The run, at the state; what measures it; and the images that it learns from.
    """
    model.metadata = Metadata(metadata_of(model).initialisation, dataset.task)
    split = weigh_classes(split, dataset.task, dataset.classes, recipe.class_weight)
    trainer = Trainer(model, split, recipe, ranks)
    evaluation = Evaluation(trainer.replicas(), dataset.test, held_out, ranks)
    run = Run(model, dataset, recipe, trainer, evaluation, callbacks)
    if state is not None:
        run.resume(state)
    return run, evaluation, split


def _run_epochs(
    run: Run,
    evaluation: Evaluation,
    callbacks: Sequence[Callback],
    on_warning: Callable[[str], None] | None,
    measured: bool,
) -> None:
    """Run the epochs that are left, until the last one or until a callback stops the run."""
    recipe, trainer, model = run.recipe, run.trainer, run.model

    def on_step(seen: int, loss: Array) -> None:
        for callback in callbacks:
            callback.on_update(run, seen, loss)

    looks, told = Looks(run, callbacks, measured), set[str]()
    pause = looks.pause()
    while run.epoch < recipe.epochs and run.history.stopped is None:
        start = time.perf_counter()
        for callback in callbacks:
            callback.on_epoch_begin(run)
        if run.history.stopped is not None:
            return
        looks.pass_unseen()
        number = run.epoch
        losses = trainer.epoch(number, on_step, pause and looks.of_epoch(pause))
        run.seconds += time.perf_counter() - start
        looks.look()
        if trainer.executor.stopped_at is not None:  # within the epoch
            run.history.interrupted = True
            return
        trainer.ranks.check_alike(
            lambda: {
                "digest of the parameters": digest_of(model.backend.to_numpy(model.parameters))
            },
            f"in epoch {number + 1} a machine's memory or network has failed: resume from the last "
            "checkpoint",
            exit_code=1,
        )
        check_finite(losses, trainer.are_finite, number, recipe)
        reported = number % recipe.report_every == 0 or number + 1 == recipe.epochs
        reported &= measured
        trainer.average_epoch(number + 1)
        with trainer.averaged():
            if reported:
                epoch = _measure(trainer, evaluation, number, losses, run.seconds)
                epoch = trainer.ranks.broadcast(epoch)
                run.history.epochs.append(epoch)
                run.seconds = 0.0
            run.epoch += 1
            run.keep()
            if reported:
                for callback in callbacks:
                    callback.on_epoch_measured(run, epoch)
                if on_warning is not None:
                    for sentence in warn_after(model, trainer.batches, recipe, epoch, losses, told):
                        on_warning(sentence)
        for callback in callbacks:
            callback.on_epoch_end(run)
        run.history.stopped = trainer.ranks.broadcast(run.history.stopped)


def _measure(
    trainer: Trainer, evaluation: Evaluation, number: int, losses: NDArray[Any], seconds: float
) -> Epoch:
    """Measure the network after an epoch, counted from 0, whose updates had these losses."""
    if trainer.recipe.train_accuracy == "running":
        train_accuracy = trainer.correct() / len(trainer.batches)
    else:
        train_accuracy = evaluation.accuracy_on(trainer.batches.unweighted())
    return Epoch(
        epoch=number + 1,
        loss=REPORTED_LOSSES[trainer.recipe.loss_on](trainer, losses),
        train_accuracy=train_accuracy,
        test_accuracy=evaluation.test_accuracy(),
        validation_accuracy=evaluation.validation_accuracy(),
        seconds=seconds,
        validation_loss=evaluation.validation_loss(trainer.recipe.loss),
    )
