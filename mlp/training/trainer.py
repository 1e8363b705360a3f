"""The trainer: what an epoch starts from, and who takes its updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.rng import generator
from mlp.common.threads import blas_threads
from mlp.data.augment import epoch_key
from mlp.data.batches import Batches
from mlp.data.dataset import Split
from mlp.nn.network import MLP
from mlp.nn.schedules import learning_rate
from mlp.training.lane import Plan
from mlp.training.parallel.large_batches import Pieces
from mlp.training.parallel.small_batches import SPAN_PIECES, Spans
from mlp.training.recipe import Recipe


class Trainer:
    """A network with its loss, its optimizer and its training images on one device.

    Args:
        model: the network; trained in place.
        split: the training images.
        recipe: the hyperparameters.

    Attributes:
        batches: the training images on the device.
        batch_size: images of an update.
        steps: updates of an epoch.
        updates: what takes them: in spans, or each in pieces.
    """

    def __init__(self, model: MLP, split: Split, recipe: Recipe) -> None:
        self.model, self.recipe = model, recipe
        self.backend = model.backend
        self.batches = Batches(split.images, split.labels, model, recipe.augment)
        N = len(self.batches)
        self.batch_size = N if recipe.batch_size == "full" else min(recipe.batch_size, N)
        self.steps = -(-N // self.batch_size)
        self.running = recipe.train_accuracy == "running"
        pieces = min(self.backend.memory().workers, SPAN_PIECES)
        is_large = self.batch_size > pieces * self.batches.piece
        way = Pieces if is_large else Spans
        self.updates: Pieces | Spans = way(model, self.batches, self.batch_size, recipe)
        self.order = self.batches.order(np.arange(N))  # (N,)
        self.losses = self.backend.xp.zeros(self.steps, dtype=model.dtype)  # (steps,)
        self._shuffler = generator(recipe.seed, "shuffle")

    def epoch(
        self, number: int, on_step: Callable[[int, Array], None] | None = None
    ) -> NDArray[Any]:
        """Train once on every image.

        Args:
            number: the epoch, from 0; decides the learning rates.
            on_step: called after each update, or each span of updates where the device takes
                several at once, with the number of images seen and the latest loss, which is
                still on the device, shape (1,). The network's own parameters may be written at
                the end of the epoch only, and what it changes of them may be lost.

        Returns:
            The loss of each update, on the host, shape (steps,).
        """
        rates = self._begin(number)  # (steps,)
        with blas_threads(1):  # the lanes are the threads
            self.updates.epoch(Plan(self.order, rates, self.losses, on_step))
        return self.backend.to_numpy(self.losses)

    def hits(self) -> int:
        """Return how many images of the epoch were read right, each before its update."""
        return self.updates.hits()

    def told_loss(self, losses: NDArray[Any]) -> float:
        """Return the loss to tell of an epoch whose updates had these losses, shape (steps,)."""
        if self.recipe.loss_on == "updates":
            return float(losses.mean(dtype=np.float64))
        x, labels = self.batches.slice(0, min(self.batch_size, self.batches.piece))
        criterion = self.updates.lanes[0].criterion
        loss = criterion.forward(self.model.forward(x), labels)  # (1, 1)
        return float(self.backend.to_numpy(loss).item())

    def _begin(self, number: int) -> Array:
        """Bring the epoch's order to the device; return its learning rates, shape (steps,)."""
        r, N = self.recipe, len(self.batches)
        self.batches.key = epoch_key(r.seed, number)
        if r.shuffle and r.batch_size != "full":
            self.order = None  # so that there are never two at a time
            self.order = self.batches.order(self._shuffler.permutation(N))  # (N,)
        for lane in self.updates.lanes:
            lane.begin(number)
        times = number + (np.arange(self.steps) + 0.5) / self.steps  # (steps,)
        rates = [learning_rate(r.schedule, r.lr, r.warmup, r.epochs, t) for t in times]
        return self.backend.asarray(np.array(rates), self.model.dtype)
