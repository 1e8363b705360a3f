"""What nobody chose of a recipe, chosen to suit the data: few rows are read more often."""

from __future__ import annotations

import dataclasses
import math

from mlp.data.dataset import Dataset
from mlp.data.inputs import Columns
from mlp.nn.optim import OPTIMIZERS
from mlp.training.pairs import USUAL_LOSSES
from mlp.training.recipe import Recipe, UsualEpochs, UsualRate

READINGS = 300_000
"""So many rows are read in a training, each as often as another."""

READINGS_OF_NUMBERS = 32_000
"""The same where numbers are estimated, whose noise is soon learnt by heart."""

MOST_READINGS_OF_NUMBERS = 2_000_000
"""The more rows there are of these, the less is their noise learnt: a quarter of the rows is how
often each is read, while the readings are no more than this."""

MOST_EPOCHS = 200

COLUMNS = 1 / 3
"""Columns, of mean 0 and deviation 1, bear this much of the rate for pixels, mostly near 0."""

NUMBERS = 1 / 15
"""The same of numbers to estimate: their loss has no bound on its gradient."""

LONGEST = 1.0
"""The gradient's norm is held to this of numbers to estimate, or the first steps may kill ReLUs."""


def suit(recipe: Recipe, dataset: Dataset) -> Recipe:
    """Return a recipe whose epochs and rate, where nobody chose them, suit the data.

    Tried on iris, wine, breast cancer, diabetes, Friedman's function and 8 x 8 digits; see
    ``bench/tables.py``. MNIST has so many rows that the defaults stay.
    """
    epochs, lr, clip_norm = recipe.epochs, recipe.lr, recipe.clip_norm
    numbers = dataset.task.kind == "regression"
    if isinstance(epochs, UsualEpochs):
        N = len(dataset.train)
        wanted = math.ceil((READINGS_OF_NUMBERS if numbers else READINGS) / N)
        if numbers:
            wanted = max(wanted, min(N // 4, MOST_READINGS_OF_NUMBERS // N))
        epochs = max(epochs, min(wanted, MOST_EPOCHS))
    sgd, _ = OPTIMIZERS.parse(recipe.optimizer)
    if isinstance(lr, UsualRate) and sgd is OPTIMIZERS["sgd"]:
        if numbers:
            lr = round(lr * NUMBERS, 4)
            clip_norm = LONGEST if clip_norm is None else clip_norm
        elif isinstance(dataset.inputs, Columns):
            lr = round(lr * COLUMNS, 4)
    return dataclasses.replace(recipe, epochs=epochs, lr=lr, clip_norm=clip_norm)


def usual_recipe(dataset: Dataset) -> Recipe:
    """Return the recipe for data about which nothing else is said."""
    return suit(Recipe(loss=USUAL_LOSSES[dataset.task.kind]), dataset)


def is_usual_rate(recipe: Recipe) -> bool:
    """Whether a learning rate is one that is taken where nobody chooses one."""
    optimizer, _ = OPTIMIZERS.parse(recipe.optimizer)
    return any(
        recipe.lr == rate
        for rate in (
            optimizer.usual_lr,
            round(optimizer.usual_lr * COLUMNS, 4),
            round(optimizer.usual_lr * NUMBERS, 4),
        )
    )
