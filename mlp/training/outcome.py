"""Whether a training has come to nothing: a network at chance in its end, and the reason."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DivergedError
from mlp.data.batches import Batches
from mlp.data.dataset import Split
from mlp.data.describe import INVERTED, are_mostly_ink, hardly_differ
from mlp.models.metadata import task_of
from mlp.nn.network import MLP
from mlp.training.diagnosis import SAMPLE, STUCK, chance_of, explain_lost, is_lost
from mlp.training.history import Epoch
from mlp.training.recipe import Recipe

ALIKE = 0.01
"""Answers that vary less than this part of what the labels do tell no row from another: those to
labels that are nine tenths noise vary tenfold."""

FEWEST_UPDATES, FEWEST_READINGS = 100, 2_000
"""After fewer updates, or fewer rows read, a network may be at its beginning still."""


def lost_by(
    model: MLP,
    batches: Batches,
    train: Split,
    epoch: Epoch,
    recipe: Recipe,
    *,
    ended: bool = True,
) -> DivergedError | None:
    """Find out whether a network has learnt nothing at the end of its training.

    One that is at chance but answers each row otherwise may stand before labels that its inputs do
    not tell, or hardly: that is no fault. One that answers all rows alike has seen none of them.

    Args:
        model: the network.
        batches: its training images.
        train: the same, as they were given.
        epoch: what was measured in the end.
        recipe: the hyperparameters.
        ended: whether the training came to its end; else the network may learn yet.

    Returns:
        The error that says so and what to do; None where the network has learnt something, or may.
    """
    chance = chance_of(batches.given_labels)
    if is_lost(epoch, chance, recipe):
        return DivergedError(explain_lost(epoch, recipe))
    best = max(epoch.test_accuracy, epoch.train_accuracy)
    if not ended or best > chance + STUCK * (1.0 - chance):
        return None
    if _is_beginning(batches, epoch, recipe) or (train.images[:SAMPLE] == train.images[0]).all():
        return None  # rows that are all alike no network tells apart
    if not answers_alike(model, batches):
        return None
    what = "images" if train.images.ndim == 3 else "rows"
    if (fault := hardly_differ(train)) is not None:
        remedy = fault
    elif are_mostly_ink(train):
        remedy = f"they are {INVERTED}, so invert them"
    else:
        remedy = f"try --lr {recipe.lr / 10:g}, another --activation or --init, or fewer layers"
    return DivergedError(
        f"the network answers all {what} alike after the last epoch, and so has learnt nothing: "
        f"{remedy}"
    )


def answers_alike(model: MLP, batches: Batches) -> bool:
    """Whether a network's answers to some training rows hardly depend on these."""
    x, _ = batches.slice(0, min(SAMPLE, len(batches)))
    outputs = model.backend.to_numpy(model.forward(x))  # (n, C)
    task, answers = task_of(model), outputs.astype(np.float64)
    if task.kind != "regression":
        answers = task.probabilities(outputs, logits=model.output == "identity")
    deviations = _deviations(batches.given_labels[: len(x)], outputs.shape[1])  # (C,)
    varied = deviations > 0
    spread = answers.std(axis=0)[varied]
    return bool(varied.any() and (spread < ALIKE * deviations[varied]).all())


def _deviations(labels: NDArray[Any], C: int) -> NDArray[np.float64]:
    """Compute how much right answers vary over the rows: numbers, or 1 and 0 of each class."""
    if labels.ndim == 1:
        share = np.bincount(labels, minlength=C) / len(labels)
        spread: NDArray[np.float64] = np.sqrt(share * (1.0 - share))
        return spread
    found: NDArray[np.float64] = labels.std(axis=0, dtype=np.float64)
    return found


def _is_beginning(batches: Batches, epoch: Epoch, recipe: Recipe) -> bool:
    """Whether a network has seen too little to have learnt anything."""
    N = len(batches)
    each = 1 if recipe.batch_size == "full" else math.ceil(N / recipe.batch_size)
    return epoch.epoch * each < FEWEST_UPDATES or epoch.epoch * N < FEWEST_READINGS
