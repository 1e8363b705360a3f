"""The learning-rate range test: the rate rises from update to update, and the loss tells the rest.

Leslie N. Smith, Cyclical Learning Rates for Training Neural Networks, 2015, section 3.3, with rates
that rise geometrically, as Sylvain Gugger's "How do you find a good learning rate" (2018) has it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.errors import DivergedError, MLPError, UsageError
from mlp.common.quiet import quiet
from mlp.common.rng import generator
from mlp.common.threads import blas_threads
from mlp.data.batches import Batches
from mlp.data.dataset import Dataset, Split, hold_out, take_rows
from mlp.models.predict import check_fits
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.nn.optim import OPTIMIZERS
from mlp.training.class_weights import weigh_classes
from mlp.training.pairs import check_pairs
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

Floats = NDArray[np.float64]

FEWEST_STEPS = 100
"""An epoch of fewer updates than this is gone through several times, unless told otherwise."""

BELOW, ABOVE = 1e-4, 1e3
"""The first and the last rate are this many times the optimizer's usual one."""


BANDWIDTH = 0.12
"""The deviation of the Gaussian that smooths the losses, in powers of ten of the rate."""

LEAST_FALL = 0.05
"""A curve falls if it does so by this share of its start, and by four of its standard errors."""

DIVERGED = 2.0
"""A smoothed loss of so many times the start has diverged."""

SAMPLE = 1000
"""So many images tell the loss before any update."""


@dataclass(frozen=True)
class Curve:
    """The losses of updates at rising rates.

    Attributes:
        lrs: of the updates, shape (n,), rising.
        losses: of the updates, each before it, shape (n,); from the first that is not finite on,
            nothing is kept.
        steps: how many updates there were to be.
        initial: the loss before any update, of up to `SAMPLE` training images as they are.
    """

    lrs: Floats
    losses: Floats
    steps: int
    initial: float


@dataclass(frozen=True)
class Finding:
    """What a curve tells.

    Attributes:
        lrs: up to where the loss diverges, shape (m,).
        smoothed: the smoothed loss at each, shape (m,).
        suggestion: the rate at which it is least, to two digits; None where there is a problem.
        problem: why no rate can be suggested: a `DivergedError` where it diverges at once.
    """

    lrs: Floats
    smoothed: Floats
    suggestion: float | None = None
    problem: MLPError | None = None


def usual_range(recipe: Recipe) -> tuple[float, float]:
    """Return the first and the last rate for a recipe's optimizer."""
    optimizer, _ = OPTIMIZERS.parse(recipe.optimizer)
    return BELOW * optimizer.usual_lr, ABOVE * optimizer.usual_lr


def usual_steps(images: int, recipe: Recipe) -> int:
    """Return the updates of an epoch, or of several where that has few."""
    size = images if recipe.batch_size == "full" else min(recipe.batch_size, images)
    epoch = math.ceil(images / size)
    return epoch * math.ceil(FEWEST_STEPS / epoch)


def measure(
    model: MLP,
    dataset: Dataset,
    recipe: Recipe,
    low: float,
    high: float,
    steps: int | None = None,
    on_steps: Callable[[int], None] = quiet,
) -> Curve:
    """Train a network while its learning rate rises from ``low`` to ``high``.

    It learns from the recipe's training images; those for validation, and the test, are left out.
    Once a loss is not finite no further epoch is begun.

    Args:
        model: the network; its parameters are of no use afterwards.
        dataset: what it learns from.
        recipe: the hyperparameters; its own rate, schedule, warm-up and epochs are not used.
        low: the first rate.
        high: the last one.
        steps: how many updates; `usual_steps` unless given.
        on_steps: called as it goes on, with how many more updates are done.

    Raises:
        UsageError: if the rates do not rise from above 0, there are too few steps, or the choices
            cannot learn together.
        ModelError: if the data does not fit the network.
    """
    if not 0 < low < high < math.inf:
        raise UsageError(f"the rates must rise from above 0, not from {low:g} to {high:g}")
    check_fits(model, dataset.pixels, dataset.classes)
    check_pairs(model, dataset, recipe)
    split, _ = hold_out(dataset, recipe.validation, recipe.seed)
    split = weigh_classes(split, dataset.task, dataset.classes, recipe.class_weight)
    steps = usual_steps(len(split), recipe) if steps is None else steps
    if steps < 10:
        raise UsageError(f"a curve needs at least 10 steps, not {steps}")
    split = _some(split, steps, recipe)
    trainer = Trainer(model, split, dataclasses.replace(recipe, train_accuracy="after"))
    initial = _loss(model, trainer.batches, recipe)
    lrs = np.geomspace(low, high, steps)
    losses: list[Floats] = []
    told = 0

    def tell(seen: int, _: Array) -> None:
        nonlocal told
        done = min(epoch * trainer.steps + math.ceil(seen / trainer.batch_size), steps)
        on_steps(done - told)
        told = done

    for epoch in range(math.ceil(steps / trainer.steps)):
        done = epoch * trainer.steps
        part = lrs[done : done + trainer.steps]
        padded = np.pad(part, (0, trainer.steps - len(part)), constant_values=high)
        found = trainer.epoch(epoch, tell, lrs=padded.tolist())[: len(part)]
        losses.append(found.astype(np.float64))
        if not np.isfinite(found).all():
            break
    joined = np.concatenate(losses)
    bad = np.flatnonzero(~np.isfinite(joined))
    whole = int(bad[0]) if len(bad) else len(joined)
    return Curve(lrs[:whole], joined[:whole], steps, initial)


def read(curve: Curve) -> Finding:
    """Find the rate at which the smoothed loss is least, or say why there is none.

    That is the edge of where training is stable, and suits a schedule whose peak the rate is, as
    the recipe's: see docs/searching.md.
    """
    n, first = len(curve.lrs), curve.steps // 10
    if n <= first or not math.isfinite(curve.initial):
        return Finding(curve.lrs, curve.losses, problem=_at_once(curve))
    start = min(float(curve.losses[:first].mean()), DIVERGED * curve.initial)
    per_ten = (n - 1) / math.log10(curve.lrs[-1] / curve.lrs[0])
    width = max(1.0, BANDWIDTH * per_ten)
    capped = np.minimum(curve.losses, 2.0 * DIVERGED * start)  # or one loss would outweigh all
    smoothed = smooth(capped, width)
    start = min(start, float(smoothed[0]))
    over = np.flatnonzero(smoothed > DIVERGED * start)
    diverges = n < curve.steps or len(over) > 0
    end = int(over[0]) + 1 if len(over) else n
    lrs, smoothed = curve.lrs[:end], smoothed[:end]
    least = int(smoothed.argmin())
    rest = capped[: least + 1] - smoothed[: least + 1]
    # A Gaussian kernel of width w averages over 2 √π w losses.
    error = float(rest.std()) * math.sqrt(1.0 / first + 0.5 / (math.sqrt(math.pi) * width))
    fall = start - float(smoothed[least])
    if fall < max(LEAST_FALL * abs(start), 4.0 * error):
        if diverges and end <= first:
            return Finding(lrs, smoothed, problem=_at_once(curve))
        return Finding(lrs, smoothed, problem=_flat(lrs, start, fall, diverges))
    if not diverges and least >= end - max(1.0, width):
        return Finding(lrs, smoothed, problem=_falling(lrs))
    return Finding(lrs, smoothed, float(f"{lrs[least]:.2g}"))


def smooth(values: Floats, width: float) -> Floats:
    """Average values with a Gaussian of a deviation of ``width`` places around each, shape (n,)."""
    reach = math.ceil(3.0 * width)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)

    def averaged(a: Floats) -> Floats:
        return np.convolve(a, kernel)[reach : reach + len(a)]

    smoothed: Floats = averaged(values) / averaged(np.ones_like(values))
    return smoothed


def _at_once(curve: Curve) -> MLPError:
    where = f" at {curve.lrs[0]:.3g}" if len(curve.lrs) else ", before any update"
    return DivergedError(
        f"the loss diverges at once{where}, so that no rate can be suggested: start lower, with "
        "--rates, or from a smaller --init"
    )


def _flat(lrs: Floats, start: float, fall: float, diverges: bool) -> MLPError:
    until = f" before it diverges at {lrs[-1]:.3g}" if diverges else f" up to {lrs[-1]:.3g}"
    return MLPError(
        f"the loss has no slope: from {start:.4g} at {lrs[0]:.3g} it falls by no more than "
        f"{max(fall, 0.0):.2g}{until}, which chance may do, so that no rate can be suggested; try "
        "other --rates, more --steps or another network"
    )


def _falling(lrs: Floats) -> MLPError:
    return MLPError(
        f"the loss still falls at the last rate, {lrs[-1]:.3g}, so that the best one is not "
        f"among these: go on to higher ones, with --rates {lrs[0]:.3g}..{100 * lrs[-1]:.3g}"
    )


@np.errstate(all="ignore")
def _loss(model: MLP, batches: Batches, recipe: Recipe) -> float:
    """Measure the loss of a network on the first of its training images."""
    x, labels = batches.unweighted().slice(0, min(SAMPLE, len(batches)))
    criterion = LOSSES.make(recipe.loss, model.sizes[-1], model.backend, model.dtype)
    with blas_threads(1):
        loss = criterion.forward(model.in_training().forward(x), criterion.targets(labels))
    return float(model.backend.to_numpy(loss).item())


def _some(split: Split, steps: int, recipe: Recipe) -> Split:
    """Draw as many images as the steps need, where that is not all."""
    if recipe.batch_size == "full" or steps * recipe.batch_size >= len(split):
        return split
    drawn = generator(recipe.seed, "range test").permutation(len(split))
    return take_rows(split, np.sort(drawn[: steps * recipe.batch_size]))
