"""The training loop: epochs of updates, each a forward pass, a backward pass and a step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.batches import Batches
from mlp.datasets.dataset import Dataset, Split
from mlp.diagnosis import explain_divergence, warn_after, warn_before
from mlp.errors import DivergedError, UsageError
from mlp.history import Epoch, History
from mlp.inference import check_fits, decide, outputs
from mlp.layers import Buffers
from mlp.losses import LOSSES
from mlp.metrics import accuracy
from mlp.network import MLP
from mlp.optim import SGD
from mlp.recipe import Recipe
from mlp.rng import generator
from mlp.schedules import learning_rate


class Trainer:
    """A network with its loss, its optimizer and its training images on one device.

    Args:
        model: the network; trained in place.
        split: the training images.
        recipe: the hyperparameters.
    """

    def __init__(self, model: MLP, split: Split, recipe: Recipe) -> None:
        self.model, self.recipe = model, recipe
        self.backend, self.xp = model.backend, model.backend.xp
        self.batches = Batches(split.images, split.labels, model)
        self.criterion = LOSSES[recipe.loss](model.sizes[-1], self.backend, model.dtype)
        self.optimizer = SGD(
            model.parameters,
            model.gradients,
            self.backend,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
            decayed=model.weight_count,
            clip_value=recipe.clip_value,
            clip_norm=recipe.clip_norm,
        )
        N = len(self.batches)
        self.batch_size = N if recipe.batch_size == "full" else min(recipe.batch_size, N)
        self.steps = -(-N // self.batch_size)
        self.order = self.backend.asarray(np.arange(N))  # (N,)
        self.rates = self.xp.zeros(self.steps, dtype=model.dtype)  # (steps,)
        self.losses = self.xp.zeros(self.steps, dtype=model.dtype)  # (steps,)
        self.running = recipe.train_accuracy == "running"
        self.hits = self.xp.zeros(1, dtype=model.dtype)
        self._shuffler = generator(recipe.seed, "shuffle")
        self._buffer = Buffers(self.backend, model.dtype)
        self._steps: dict[Any, Callable[[], Array]] = {}
        if self.batch_size > self.batches.piece:
            self._gradient_sum = self.xp.zeros_like(model.gradients)  # (P,)
            self._loss_sum = self.xp.zeros((1, 1), dtype=model.dtype)
            self._loss = self.xp.zeros((1, 1), dtype=model.dtype)

    def epoch(
        self, number: int, on_step: Callable[[int, Array], None] | None = None
    ) -> NDArray[Any]:
        """Train once on every image.

        Args:
            number: the epoch, from 0; decides the learning rates.
            on_step: called after each update with the number of images seen and the loss so far,
                which is still on the device.

        Returns:
            The loss of each update, on the host, shape (steps,).
        """
        self._begin(number)
        N = len(self.batches)
        for i in range(self.steps):
            start, stop = i * self.batch_size, min((i + 1) * self.batch_size, N)
            self.xp.copyto(self.optimizer.lr, self.rates[i : i + 1])
            loss = self._update(start, stop)
            self.xp.copyto(self.losses[i : i + 1], loss.reshape(1))
            if on_step is not None:
                on_step(stop, loss)
        return self.backend.to_numpy(self.losses)

    def first_batch_loss(self) -> float:
        """Compute the loss on the first batch of the images as they lie, without training."""
        x, labels = self.batches.slice(0, min(self.batch_size, self.batches.piece))
        loss = self.criterion.forward(self.model.forward(x), labels)  # (1, 1)
        return float(self.backend.to_numpy(loss).item())

    def _begin(self, number: int) -> None:
        """Bring the epoch's order and learning rates to the device."""
        r, N = self.recipe, len(self.batches)
        if r.shuffle and r.batch_size != "full":
            self.order = self.backend.asarray(self._shuffler.permutation(N))  # (N,)
        times = number + (np.arange(self.steps) + 0.5) / self.steps  # (steps,)
        rates = [learning_rate(r.schedule, r.lr, r.warmup, r.epochs, t) for t in times]
        self.rates = self.backend.asarray(np.array(rates), self.model.dtype)
        self.xp.copyto(self.hits, 0.0)

    def _update(self, start: int, stop: int) -> Array:
        """Update the parameters from the images order[start:stop]; return the loss, (1, 1)."""
        if stop - start <= self.batches.piece:
            x, labels = self.batches.gather(self.order[start:stop])  # (N, I), (N,)
            return self._captured(len(x), partial(self._step, x, labels))
        for first, last in self.batches.pieces(start, stop):
            if self.recipe.batch_size == "full":
                x, labels = self.batches.slice(first, last)
            else:
                x, labels = self.batches.gather(self.order[first:last])
            self._captured((first, last), partial(self._add_piece, x, labels, stop - start))
        return self._captured("sum", self._step_with_sum)

    def _step(self, x: Array, labels: Array) -> Array:
        """Take one step from one batch."""
        loss = self._gradient(x, labels, len(x))
        self.optimizer.step()
        return loss

    def _gradient(self, x: Array, labels: Array, total: int) -> Array:
        """Compute the gradient of a batch, or its part from a piece of the batch."""
        logits = self.model.forward(x)  # (N, C)
        loss = self.criterion.forward(logits, labels, total)  # (1, 1)
        self.model.backward(self.criterion.backward())
        if self.running:
            self._count_hits(logits, labels)
        return loss

    def _count_hits(self, logits: Array, labels: Array) -> None:
        """Add the images that were read right, before the update, to the epoch's hits."""
        xp, N = self.xp, len(labels)
        read = self._buffer("read", N, dtype=labels.dtype)  # (N,)
        right, count = self._buffer("right", N), self._buffer("count", 1)  # (N,), (1,)
        xp.argmax(logits, axis=1, out=read)
        xp.equal(read, labels, out=right)
        xp.sum(right, axis=0, keepdims=True, out=count)
        xp.add(self.hits, count, out=self.hits)

    def _add_piece(self, x: Array, labels: Array, total: int) -> None:
        """Add a piece's part of the gradient and of the loss to their sums."""
        loss = self._gradient(x, labels, total)
        self.xp.add(self._gradient_sum, self.model.gradients, out=self._gradient_sum)
        self.xp.add(self._loss_sum, loss, out=self._loss_sum)

    def _step_with_sum(self) -> Array:
        """Take one step from the sums of all pieces, and clear these."""
        self.xp.copyto(self.model.gradients, self._gradient_sum)
        self.optimizer.step()
        self.xp.copyto(self._gradient_sum, 0.0)
        self.xp.copyto(self._loss, self._loss_sum)
        self.xp.copyto(self._loss_sum, 0.0)
        return self._loss

    def _captured(self, key: Any, step: Callable[[], Array]) -> Array:
        """Run a step that does the same on the same arrays whenever it has the same key."""
        if key not in self._steps:
            self._steps[key] = self.backend.capture(step)
        return self._steps[key]()


def train(
    model: MLP,
    dataset: Dataset,
    recipe: Recipe | None = None,
    *,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_step: Callable[[int, Array], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> History:
    """Train a network in place.

    An interrupt (Ctrl-C) puts the network back to the end of the last finished epoch and returns.

    Args:
        model: the network; what is learnt of its training is left in ``model.about``.
        dataset: what it learns from, and the test images that it is measured on.
        recipe: the hyperparameters; the defaults of `Recipe` unless given.
        on_epoch: called with what was measured, after each epoch that is reported.
        on_step: called after each update; see `Trainer.epoch`.
        on_warning: told in a sentence of what is likely to go wrong or did.

    Raises:
        ModelError: if the images or classes do not fit the network's widths.
        UsageError: if the validation split leaves nothing to train on.
        DivergedError: if a loss is not finite; the network is as after the last finished epoch.
    """
    recipe = recipe or Recipe()
    check_fits(model, dataset.pixels, dataset.classes)
    model.about = {"task": asdict(dataset.task)}
    run = _Run(model, dataset, recipe)
    history = History()
    warn = on_warning or (lambda _: None)
    for sentence in warn_before(model, run.train_split, recipe):
        warn(sentence)
    finished = model.parameters.copy()
    seconds = 0.0
    try:
        for number in range(recipe.epochs):
            start = time.perf_counter()
            with np.errstate(all="ignore"):  # a loss that is not finite is told below
                losses = run.trainer.epoch(number, on_step)
            seconds += time.perf_counter() - start
            _check_finite(losses, number, recipe)
            if number % recipe.report_every == 0 or number + 1 == recipe.epochs:
                epoch = run.measure(number, losses, seconds)
                history.epochs.append(epoch)
                seconds = 0.0
                if on_epoch is not None:
                    on_epoch(epoch)
                for sentence in warn_after(model, run.trainer.batches, recipe, epoch, losses):
                    warn(sentence)
            model.backend.xp.copyto(finished, model.parameters)
    except KeyboardInterrupt:
        history.interrupted = True
        model.backend.xp.copyto(model.parameters, finished)
    except DivergedError:
        model.backend.xp.copyto(model.parameters, finished)
        raise
    model.about |= _about(recipe, dataset, history)
    return history


class _Run:
    """A trainer with the splits that the network is measured on."""

    def __init__(self, model: MLP, dataset: Dataset, recipe: Recipe) -> None:
        self.train_split, self.held_out = _hold_out(dataset.train, recipe.validation)
        self.test_split = dataset.test
        self.trainer = Trainer(model, self.train_split, recipe)
        self._test = Batches(dataset.test.images, dataset.test.labels, model)
        self._held_out = Batches(self.held_out.images, self.held_out.labels, model)

    def measure(self, number: int, losses: NDArray[Any], seconds: float) -> Epoch:
        """Measure the network after an epoch; ``seconds`` is since the epoch measured before."""
        trainer = self.trainer
        model, recipe = trainer.model, trainer.recipe
        return Epoch(
            epoch=number + 1,
            loss=(
                trainer.first_batch_loss()
                if recipe.loss_on == "first_batch"
                else float(losses.mean(dtype=np.float64))
            ),
            train_accuracy=(
                float(model.backend.to_numpy(trainer.hits).item()) / len(self.train_split)
                if trainer.running
                else _accuracy(model, trainer.batches, self.train_split)
            ),
            test_accuracy=_accuracy(model, self._test, self.test_split),
            validation_accuracy=(
                _accuracy(model, self._held_out, self.held_out) if len(self.held_out) else None
            ),
            seconds=seconds,
        )


def _hold_out(split: Split, validation: float) -> tuple[Split, Split]:
    """Cut the last images off for validation: a share below 1, a count from 1 on."""
    count = round(validation * len(split)) if validation < 1 else int(validation)
    if count >= len(split):
        raise UsageError(
            f"a validation split of {count:,} leaves nothing of {len(split):,} training images: "
            "hold out fewer"
        )
    return split[: len(split) - count], split[len(split) - count :]


def _accuracy(model: MLP, batches: Batches, split: Split) -> float:
    return accuracy(decide(model, outputs(model, batches)), split.labels)


def _check_finite(losses: NDArray[Any], number: int, recipe: Recipe) -> None:
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise DivergedError(explain_divergence(losses, int(bad[0]), number, recipe))


def _about(recipe: Recipe, dataset: Dataset, history: History) -> dict[str, Any]:
    """Gather what a model file tells of a network's training."""
    last = history.epochs[-1] if history.epochs else None
    return {
        "recipe": asdict(recipe),
        "dataset": {
            "name": dataset.name,
            "train_images": len(dataset.train),
            "train_sha256": dataset.train.checksum,
            "test_images": len(dataset.test),
            "test_sha256": dataset.test.checksum,
        },
        "history": [asdict(epoch) for epoch in history.epochs],
        "train_accuracy": last.train_accuracy if last else None,
        "test_accuracy": last.test_accuracy if last else None,
        "validation_accuracy": last.validation_accuracy if last else None,
    }
