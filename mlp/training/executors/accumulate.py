"""Gradient accumulation: the gradient of a part of a batch, micro-batch by micro-batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.data.batches import Batches
from mlp.nn.network import MLP
from mlp.training.executors.executor import Executor
from mlp.training.parallel.replica import Replica
from mlp.training.parallel.workers import WorkerGroup
from mlp.training.recipe import Recipe
from mlp.training.step import Step, make_optimizer


class Sums(NamedTuple):
    """Where a loss and a gradient are added up."""

    loss: Array
    """Shape (1, 1); of S networks side by side, (S, 1)."""
    gradients: Array
    """Flat, shape (P,)."""


class AccumulatingExecutor(Executor):
    """Training on batches that are cut into parts, with the exact gradient of the batch.

    A subclass adds up the parts and updates the parameters.

    Args:
        model: the network.
        batches: the training images.
        batch_size: images of an update.
        recipe: the hyperparameters.
        group: the workers.
        parts: how many a batch is cut into.
        sums: where parts are added up.
        total: where the whole batch is, for the optimizer.

    Attributes:
        lr: the learning rate of an update, shape (1,).
    """

    def __init__(
        self,
        model: MLP,
        batches: Batches,
        batch_size: int,
        recipe: Recipe,
        group: WorkerGroup,
        parts: int,
        sums: Sequence[Sums],
        total: Sums,
    ) -> None:
        dtype, xp = model.dtype, model.backend.xp
        self.parts, self.sums, self.total = parts, sums, total
        self.lr = xp.zeros(1, dtype=dtype)  # (1,)
        self._divisors = [xp.zeros((1, 1), dtype=dtype) for _ in range(group.size)]
        replicas = [model, *(Replica(model) for _ in range(group.size - 1))]
        optimizer = make_optimizer(model, total.gradients, recipe)
        steps = [Step(replica, recipe, optimizer) for replica in replicas]
        super().__init__(steps, model, batches, batch_size, recipe, group)

    def restore_correct(self, count: int) -> None:
        """Continue the count of correct answers from a number, in the first worker."""
        for worker, step in enumerate(self.steps):
            if step.correct is not None:
                self.xp.copyto(step.correct.total, 0.0 if worker else float(count))

    def correct(self) -> NDArray[Any]:
        """Count what each network answered correctly, each image before its update, shape (S,)."""
        correct = np.zeros(self.model.networks)
        for step in self.steps:
            if step.correct is not None:
                correct += self.backend.to_numpy(step.correct.total).reshape(-1)
        return correct

    def replicas(self) -> list[MLP]:
        """Return the network and its replicas, one for each worker."""
        return [step.model for step in self.steps]

    def accumulate(
        self,
        order: Array,
        worker: int,
        part: int,
        place: int,
        start: int,
        stop: int,
        *,
        captured: bool = True,
    ) -> None:
        """Let a worker add up the gradients of the micro-batches of a part of a batch.

        Args:
            order: the images in the order in which they are seen, shape (N,).
            worker: its number, from 0.
            part: which part, from 0.
            place: which of ``sums`` to write to.
            start: where the batch begins in the order.
            stop: where it ends.
            captured: whether each micro-batch is captured by itself.
        """
        step, batches = self.steps[worker], self.worker_batches[worker]
        total, weighed = self._divisor(order, worker, start, stop), batches.weights is not None
        micro_batches = batches.micro_batches(start, stop, self.parts, part)
        for nth, (first, last) in enumerate(micro_batches):
            if self.in_order:
                x, labels = batches.slice(first, last)
            else:
                x, labels = batches.gather(order[first:last], first)
            step.seek(first)
            where = first if self.in_order and batches.keeps_floats else "copied"
            work = partial(self._add_gradient, x, labels, total, worker, place, anew=nth == 0)
            known = "weighed" if weighed else total  # an array holds what weights add up to
            if captured:
                self.replay((worker, place, where, len(x), known, nth == 0), work)
            else:
                work()

    def _divisor(self, order: Array, worker: int, start: int, stop: int) -> int | Array:
        """Return what the losses of a batch are divided by: its size, or the sum of its weights."""
        batches, total = self.worker_batches[worker], self._divisors[worker]
        if batches.weights is None:
            return stop - start
        batches.add_up_weights(order[start:stop], total)
        return total

    def _add_gradient(
        self, x: Array, labels: Array, total: int | Array, worker: int, place: int, *, anew: bool
    ) -> None:
        """Add a micro-batch's gradient and loss to its part's, or start these anew with them."""
        step = self.steps[worker]
        loss = step.gradient(x, step.criterion.targets(labels), total)
        for whole, own in zip(self.sums[place], (loss, step.model.gradients), strict=True):
            if anew:
                self.xp.copyto(whole, own)
            else:
                self.xp.add(whole, own, out=whole)
