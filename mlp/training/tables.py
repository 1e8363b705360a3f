"""The learning rates of many epochs on the device, and what the one that runs leaves there.

A device with memory of its own is quickest where the host neither brings it something for each
epoch nor waits for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backends import Array
from mlp.nn.network import MLP
from mlp.nn.schedules import epoch_learning_rates
from mlp.training.recipe import Recipe

LRS_AT_ONCE = 4096
"""Learning rates, of as many whole epochs, that are brought to the device together."""


class Tables:
    """The learning rates of a training's epochs, and where their losses are written.

    Args:
        model: the network, or several side by side.
        recipe: the hyperparameters.
        steps: updates of an epoch.

    Attributes:
        row: what the epoch that runs leaves: the losses of its updates, and behind them what tells
            whether the parameters are finite, so that they are read at once. Shape (steps + 1,);
            of S networks side by side, (steps + 1, S).
        losses: those of the updates, shape (steps,) or (steps, S).
        most: of so many epochs the learning rates are brought at once, at most.
        lrs: those that are on the device, shape (most, steps), where that has memory of its own;
            always the same array, which captured steps read.
        first: the epoch, from 0, of the first of these.
    """

    def __init__(self, model: MLP, recipe: Recipe, steps: int) -> None:
        self._backend, self._dtype = model.backend, model.dtype
        self._recipe, self._steps = recipe, steps
        xp, told = model.backend.xp, (steps + 1,)
        shape = told if model.networks == 1 else (*told, model.networks)
        self.row = xp.zeros(shape, dtype=model.dtype)
        self.losses = self.row[:-1]
        self.most = max(1, min(LRS_AT_ONCE // steps, recipe.epochs))
        self._stays = model.backend.memory().is_discrete
        self.lrs: Array = xp.zeros((self.most, steps), dtype=model.dtype) if self._stays else None
        self.first, self._count, self._peak = 0, 0, 0.0

    def lrs_of(self, number: int, factor: float) -> Array:
        """Return an epoch's learning rates on the device, shape (steps,).

        Those of many epochs are brought at once, as bringing one costs as much as a short epoch.

        Args:
            number: the epoch, from 0.
            factor: what the recipe's learning rates are multiplied by.
        """
        r, peak = self._recipe, self._recipe.lr * factor
        if self._peak != peak or not self.first <= number < self.first + self._count:
            self._count = max(1, min(self.most, r.epochs - number))
            brought = self.to_device(
                [
                    epoch_learning_rates(r.schedule, peak, r.warmup, r.epochs, epoch, self._steps)
                    for epoch in range(number, number + self._count)
                ]
            )  # (count, steps)
            if self._stays:
                self._backend.xp.copyto(self.lrs[: self._count], brought)
            else:
                self.lrs = brought
            self.first, self._peak = number, peak
        return self.lrs[number - self.first]

    def room(self, number: int) -> int:
        """Return of how many epochs, from this one on, the learning rates are there."""
        return self.first + self._count - number

    def to_device(self, lrs: Sequence[Sequence[float]]) -> Array:
        """Bring learning rates to the device."""
        return self._backend.asarray(np.array(lrs), self._dtype)
