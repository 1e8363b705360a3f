"""A lane: a network and its loss, and what a device repeats of their work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from backends import Array
from mlp.nn.accuracy import Hits
from mlp.nn.dropout import Thinned
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe


class Plan(NamedTuple):
    """What an epoch goes through, and what is told of it."""

    order: Array
    """The images in the order in which they are seen, shape (N,)."""
    rates: Array
    """The learning rate of each update, shape (steps,)."""
    losses: Array
    """Where the loss of each update is written, shape (steps,)."""
    on_step: Callable[[int, Array], None] | None
    """Told of updates; see `mlp.training.trainer.Trainer.epoch`."""


class Lane:
    """A network and its loss: what computes the gradient of a batch, or of a piece of it.

    A trainer has one lane for each core that works on an update.

    Args:
        model: the network, or the lane's shard or twin of it.
        recipe: the hyperparameters.

    Attributes:
        hits: counts what is read right, where the recipe wants that counted on the way.
    """

    def __init__(self, model: MLP, recipe: Recipe) -> None:
        self.model, self.recipe = model, recipe
        self.backend, self.xp = model.backend, model.backend.xp
        self.thinned = (
            Thinned(model, recipe.input_dropout, recipe.dropout)
            if recipe.input_dropout or recipe.dropout
            else None
        )
        self.criterion = LOSSES[recipe.loss](model.sizes[-1], self.backend, model.dtype)
        self.hits = Hits(model.sizes[-1], self.backend, model.dtype)
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
        """Compute the gradient of a batch of ``total`` images, or the part of a piece of it.

        Returns:
            The loss, or the piece's part of it, shape (1,).
        """
        network = self.thinned or self.model
        logits = network.forward(x)  # (N, C)
        loss = self.criterion.forward(logits, targets, total)  # (1, 1)
        network.backward(self.criterion.backward())
        return loss.reshape(1)

    def repeat(self, key: Any, work: Callable[[], Any]) -> None:
        """Run what does the same on the same arrays whenever it has the same key."""
        if key not in self._captures:
            self._captures[key] = self.backend.capture(work)
        self._captures[key]()
