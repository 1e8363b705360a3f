"""Why a training run goes wrong: common faults, recognised and explained in one sentence each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.data.batches import Batches
from mlp.data.dataset import Split
from mlp.data.describe import rare_class
from mlp.models.metadata import task_of
from mlp.nn.activations import ReLU, Sigmoid, Tanh
from mlp.nn.network import MLP
from mlp.nn.optim import OPTIMIZERS, SGD
from mlp.training.history import Epoch
from mlp.training.recipe import Recipe
from mlp.training.suit import is_usual_rate

SAMPLE = 1000
"""How many training images a network is examined on."""

STUCK = 0.04
"""A network that is no further than this from chance to 100 % has learnt nothing."""


ABSURD = 50.0
"""A step that is this many gradients long is too large for any loss here."""

LONG = 10.0
"""Momentum that makes steps this long is worth a hint."""

SLOPE = 1e-3
"""A unit whose answers differ by less over all images tells them apart no longer."""

SOUND = 1.5
"""As many gradients long are the steps of the defaults."""


def warn_before(model: MLP, split: Split, recipe: Recipe) -> Iterator[str]:
    """Warn of what will go wrong, before any time is spent on it.

    Args:
        model: the network with its initial weights.
        split: the training images.
        recipe: the hyperparameters.
    """
    yield from warn_of_zeros(model)
    if recipe.optimizer.startswith("sgd") and recipe.momentum and step_length(recipe) >= LONG:
        yield (
            f"the momentum of {recipe.momentum:g} makes each step {1 / (1 - recipe.momentum):.0f} "
            f"times as long, so that the learning rate {recipe.lr:g} works as "
            f"{step_length(recipe):g}: if it is meant without, add --momentum 0"
        )
    yield from _warn_of_rare_classes(model, split, recipe)
    changes = np.count_nonzero(split.labels[1:] != split.labels[:-1])
    if not recipe.shuffle and recipe.batch_size != "full" and changes < len(split) // 20:
        yield (
            "the training images are sorted by class and are not shuffled, so that each batch "
            "unlearns the one before: leave --no-shuffle away"
        )


def warn_of_zeros(model: MLP) -> Iterator[str]:
    """Warn of layers whose initial weights are all zero."""
    host = model.backend.to_numpy
    zero = [k for k, layer in enumerate(model.linear, 1) if not host(layer.W).any()]
    if zero and len(model.linear) > 1:
        yield (
            f"all weights of layer {_list(zero)} are zero, so that its units stay alike and the "
            "layers before it learn nothing: start from another --init, such as he_normal"
        )


def _warn_of_rare_classes(model: MLP, split: Split, recipe: Recipe) -> Iterator[str]:
    task = task_of(model)
    if recipe.class_weight is not None or split.weights is not None:
        return
    if task.kind not in ("multiclass", "binary"):
        return
    names = task.names_of(model.sizes[-1]) if task.kind == "multiclass" else ["no", "yes"]
    sentence = rare_class(split.labels.reshape(len(split)), names)
    if sentence is not None:
        yield sentence


def warn_after(
    model: MLP,
    batches: Batches,
    recipe: Recipe,
    epoch: Epoch,
    losses: NDArray[Any],
    told: set[str],
) -> Iterator[str]:
    """Warn of what went wrong in an epoch.

    Args:
        model: the network.
        batches: its training images.
        recipe: the hyperparameters.
        epoch: what was measured.
        losses: the losses of the epoch's updates, shape (steps,).
        told: what the run was warned of that is said once; this is added to it.
    """
    tenth = max(1, len(losses) // 10)
    tail = losses[-tenth:].mean(dtype=np.float64)
    # At first all batches are at chance alike; later a single one may be low by luck.
    start = losses[0] if epoch.epoch == 1 else losses[:tenth].mean(dtype=np.float64)
    rose = len(losses) > 1 and tail > 2.0 * start and epoch.train_accuracy < 1.0
    if rose and "rose" not in told:
        told.add("rose")
        high = f"the learning rate {recipe.lr:g} is probably too high, so"
        yield (
            f"the loss rose from {start:.3g} to {tail:.3g} in epoch {epoch.epoch}: "
            f"{'should it go on,' if is_usual_rate(recipe) else high} try --lr {recipe.lr / 10:g}"
        )
    if not _is_at_chance(epoch, batches):
        return
    stuck = f"the accuracy is stuck at chance ({epoch.test_accuracy:.1%})"
    dead, flat, certainty = _examine(model, batches, recipe)
    if dead and max(fraction for _, fraction in dead) > 0.5 and "dead" not in told:
        told.add("dead")
        yield (
            f"{stuck} and many ReLUs are dead, 0 for every image: {_shares(dead)}; try a smaller "
            "--lr, --init he_normal or --activation leaky_relu"
        )
    if flat and max(fraction for _, fraction in flat) > 0.5 and "flat" not in told:
        told.add("flat")
        yield (
            f"{stuck} and many units answer alike to every image, {_shares(flat)}: they are "
            "saturated or get no signal, so try a smaller --lr, --init glorot_normal or fewer "
            "layers"
        )
    if certainty is not None and certainty > 0.999 and "saturated" not in told:
        told.add("saturated")
        yield (
            f"{stuck} and the softmax is saturated: its largest probability is {certainty:.4f} on "
            "average, so that hardly any gradient is left; try a smaller --init or --lr"
        )


def _is_at_chance(epoch: Epoch, batches: Batches) -> bool:
    """Whether a network may do no better than a constant answer.

    Of rows with weights the best one by their number is no measure: the rare classes are to be
    answered more often, and other rows less well for it. There it may be any constant answer.
    """
    labels = batches.given_labels
    chance = chance_of(labels)
    if batches.weights is None or labels.ndim > 1:
        return epoch.test_accuracy <= chance + STUCK * (1.0 - chance)
    shares = np.bincount(labels) / len(labels)  # (C,)
    return bool((np.abs(epoch.test_accuracy - shares) <= STUCK * (1.0 - shares)).any())


def is_lost(epoch: Epoch, chance: float, recipe: Recipe) -> bool:
    """Whether a network has learnt nothing because its steps were far too large."""
    wide = max(epoch.test_accuracy, epoch.train_accuracy) <= chance + STUCK * (1.0 - chance)
    return wide and step_length(recipe) >= ABSURD


def step_length(recipe: Recipe) -> float:
    """Return how many gradients long a step is in the end: lr / (1 - momentum) of SGD."""
    by_sgd = recipe.optimizer.startswith("sgd")
    return recipe.lr / (1.0 - recipe.momentum) if by_sgd else 10.0 * recipe.lr


def explain_lost(epoch: Epoch, recipe: Recipe) -> str:
    """Say that a network is at chance at its end, and what to do."""
    optimizer, _ = OPTIMIZERS.parse(recipe.optimizer)
    lr = SOUND * recipe.lr / step_length(recipe) if optimizer is SGD else optimizer.usual_lr
    return (
        f"the accuracy is at chance ({epoch.test_accuracy:.1%}) after the last epoch, as the "
        f"learning rate {recipe.lr:g} is far too high: try --lr {lr:.2g}"
    )


def explain_divergence(losses: NDArray[Any], step: int, epoch: int, recipe: Recipe) -> str:
    """Say where a run stopped being finite, the likely cause and what to do.

    Args:
        losses: the losses of the epoch's updates, shape (steps,).
        step: the first that is not finite, from 0; their number where all are finite and the
            parameters after them are not.
        epoch: the epoch, from 0.
        recipe: the hyperparameters.
    """
    if step == len(losses):
        where = f"the parameters are no longer finite after epoch {epoch + 1}, step {step}"
    else:
        where = f"the loss is {losses[step]} in epoch {epoch + 1}, step {step + 1}"
    if epoch == 0 and step == 0:
        return (
            f"{where}, before any update: the initial weights are too large for these layers, "
            "so start from a smaller --init, such as he_normal"
        )
    before = losses[max(0, step - 5) : step]
    grew = len(before) > 0 and before.max() > 2.0 * losses[0]
    course = f", after growing to {before.max():.3g}" if grew else ""
    advice = f"try --lr {recipe.lr / 10:g}"
    if recipe.clip_norm is None:
        advice += " or --clip-norm 1"
    return f"{where}{course}: the learning rate {recipe.lr:g} is probably too high, so {advice}"


def chance_of(labels: NDArray[Any]) -> float:
    """Compute the accuracy of the best constant answer; of numbers, the R² of their mean."""
    if labels.dtype.kind == "f" and not np.isin(labels, (0.0, 1.0)).all():
        return 0.0
    if labels.ndim == 1:
        counts = np.bincount(labels)
    else:
        _, counts = np.unique(labels, axis=0, return_counts=True)
    return float(counts.max() / len(labels))


def _examine(
    model: MLP, batches: Batches, recipe: Recipe
) -> tuple[list[tuple[int, float]], list[tuple[int, float]], float | None]:
    """Run some training images through the network and look at its units and answers.

    Returns:
        The number of each hidden ReLU layer with the fraction of its units that are never positive;
        of each sigmoid and tanh layer with those that answer alike to all images; and the mean of
        the largest probabilities, None where the loss is no cross-entropy.
    """
    x, _ = batches.slice(0, min(SAMPLE, len(batches)))
    outputs = model.backend.to_numpy(model.forward(x))
    hidden = [
        (k, layer, model.backend.to_numpy(layer.y))
        for k, block in enumerate(model.blocks[:-1], 1)
        for layer in block
        if isinstance(layer, ReLU | Sigmoid | Tanh)
    ]
    dead = [(k, float((y <= 0).all(axis=0).mean())) for k, f, y in hidden if isinstance(f, ReLU)]
    flat = [
        (k, float((np.ptp(y, axis=0) < SLOPE).mean()))
        for k, f, y in hidden
        if not isinstance(f, ReLU)
    ]
    if recipe.loss != "cross_entropy" or not math.isfinite(float(np.abs(outputs).max())):
        return dead, flat, None
    probabilities = task_of(model).probabilities(outputs, logits=True)
    return dead, flat, float(probabilities.max(axis=1).mean())


def _shares(layers: list[tuple[int, float]]) -> str:
    return ", ".join(f"{fraction:.0%} of layer {k}" for k, fraction in layers)


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
