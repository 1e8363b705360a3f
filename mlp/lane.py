"""The gradient of a batch, or of pieces of it: forward, loss and backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backends import Array
from mlp.crew import Crew
from mlp.dropout import Thinned
from mlp.hits import Hits
from mlp.losses import LOSSES
from mlp.network import MLP
from mlp.recipe import Recipe


class Lane:
    """A network and its loss: what computes the gradient of a batch, or of pieces of it.

    A trainer has one lane for each piece that the device works on at once, all on the same
    parameters, each with gradients and buffers of its own.

    Args:
        model: the network.
        recipe: the hyperparameters.
        crew: the trainer's lanes, which see each other's sums.
        adds: whether it gets several pieces of a batch, whose gradients it has to add up.
    """

    def __init__(self, model: MLP, recipe: Recipe, crew: Crew, *, adds: bool) -> None:
        self.model, self.recipe, self.adds = model, recipe, adds
        self.backend, self.xp = model.backend, model.backend.xp
        self.thinned = (
            Thinned(model, recipe.input_dropout, recipe.dropout)
            if recipe.input_dropout or recipe.dropout
            else None
        )
        self.criterion = LOSSES[recipe.loss](model.sizes[-1], self.backend, model.dtype)
        self.gradient_sum = crew.zeros(len(model.parameters), model.dtype)  # (P,)
        if not adds:
            model.bind(self.gradient_sum)
        self.loss_sum = crew.zeros(1, model.dtype)
        self.hits = Hits(model.sizes[-1], self.backend, model.dtype)
        self.hits.total = crew.zeros((1, 1), model.dtype)
        if recipe.train_accuracy == "running":
            self.criterion.hits = self.hits
        self._captures: dict[Any, Callable[[], Any]] = {}

    def begin(self, epoch: int) -> None:
        """Begin an epoch: its count of images that are read right, its dropout."""
        self.xp.copyto(self.hits.total, 0.0)
        if self.thinned is not None:
            self.thinned.begin(self.recipe.seed, epoch)

    def seek(self, first: int) -> None:
        """Go to the image that stands at a place in the epoch's order."""
        if self.thinned is not None:
            self.thinned.seek(first)

    def gradient(self, x: Array, targets: Array, total: int) -> Array:
        """Compute the gradient of a batch of ``total`` images, or the part of a piece of it."""
        network = self.thinned or self.model
        logits = network.forward(x)  # (N, C)
        loss = self.criterion.forward(logits, targets, total)  # (1, 1)
        network.backward(self.criterion.backward())
        return loss.reshape(1)

    def add_piece(self, x: Array, labels: Array, total: int, *, anew: bool) -> None:
        """Add a piece's part of the gradient and of the loss to their sums, or begin these anew."""
        loss = self.gradient(x, self.criterion.targets(labels), total)
        if anew:
            self.xp.copyto(self.loss_sum, loss)
        else:
            self.xp.add(self.loss_sum, loss, out=self.loss_sum)
        if self.adds and anew:
            self.xp.copyto(self.gradient_sum, self.model.gradients)
        elif self.adds:
            self.xp.add(self.gradient_sum, self.model.gradients, out=self.gradient_sum)

    def repeat(self, key: Any, work: Callable[[], Any]) -> None:
        """Run what does the same on the same arrays whenever it has the same key."""
        if key not in self._captures:
            self._captures[key] = self.backend.capture(work)
        self._captures[key]()
