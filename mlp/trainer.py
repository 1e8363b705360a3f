"""The trainer: an epoch of updates, each a forward pass, a backward pass and a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.batches import Batch, Batches
from mlp.crew import Crew, worthwhile_lanes
from mlp.datasets.dataset import Split
from mlp.deformation import epoch_key
from mlp.lane import Lane
from mlp.max_norm import MaxNorm
from mlp.network import MLP
from mlp.optim import SGD
from mlp.recipe import Recipe
from mlp.rng import generator
from mlp.schedules import learning_rate
from mlp.threads import blas_threads

SPAN_PIECES = 2
"""The images of a span of updates are gathered ahead: at most so many pieces' worth."""

SPAN_OF_LANES = 8
"""Updates of a span that lanes share: a process has to capture the span anew in each epoch."""


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
        self.batches = Batches(split.images, split.labels, model, recipe.augment)
        N, memory = len(self.batches), self.backend.memory()
        self.batch_size = N if recipe.batch_size == "full" else min(recipe.batch_size, N)
        self.steps = -(-N // self.batch_size)
        self.in_order = recipe.batch_size == "full" and recipe.augment is None  # as they lie
        lanes = worthwhile_lanes(memory.lanes, self.batch_size, model.weight_count)
        self.crew = Crew(lanes, self.backend)
        adds = self.batch_size > lanes * self.batches.piece
        placed = recipe.augment is not None or recipe.dropout or recipe.input_dropout
        # What dropout and deformation draw for an image follows from its place in the order, and in
        # a span of several updates a lane's images do not stand side by side.
        self.in_pieces = adds or bool(lanes > 1 and placed)
        ahead = memory.ahead if lanes == 1 else SPAN_OF_LANES
        self.span = max(1, min(ahead, SPAN_PIECES * self.batches.piece // self.batch_size))
        self.running = recipe.train_accuracy == "running"
        self.lanes = [
            Lane(network, recipe, self.crew, adds=adds)
            for network in (model, *(model.twin() for _ in range(self.crew.size - 1)))
        ]
        several = self.crew.size > 1
        self.gradients = (  # (P,)
            self.xp.empty_like(model.parameters) if several else self.lanes[0].gradient_sum
        )
        self.loss = self.xp.zeros(1, dtype=model.dtype) if several else self.lanes[0].loss_sum
        self.optimizer = SGD(
            model.parameters,
            self.gradients,
            self.backend,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
            decayed=model.weight_count,
            clip_value=recipe.clip_value,
            clip_norm=recipe.clip_norm,
        )
        self.max_norm = (
            MaxNorm([layer.W for layer in model.linear], recipe.max_norm, self.backend)
            if recipe.max_norm is not None
            else None
        )
        self.order = self.batches.order(np.arange(N))  # (N,)
        self.losses = self.xp.zeros(self.steps, dtype=model.dtype)  # (steps,)
        self.span_rates = self.xp.zeros(self.span, dtype=model.dtype)  # (span,)
        self.span_losses = self.xp.zeros(self.span, dtype=model.dtype)  # (span,)
        self._shuffler = generator(recipe.seed, "shuffle")

    def epoch(
        self, number: int, on_step: Callable[[int, Array], None] | None = None
    ) -> NDArray[Any]:
        """Train once on every image.

        Args:
            number: the epoch, from 0; decides the learning rates.
            on_step: called after each update, or each span of updates where the device takes
                several at once, with the number of images seen and the latest loss, which is
                still on the device, shape (1,). What it changes of the network may be lost.

        Returns:
            The loss of each update, on the host, shape (steps,).
        """
        rates = self._begin(number)  # (steps,)
        with blas_threads(1):  # the lanes are the threads
            epoch = self._epoch_in_pieces if self.in_pieces else self._epoch_in_spans
            self.crew.work(partial(epoch, rates, on_step), 2 * self.steps)
        return self.backend.to_numpy(self.losses)

    def hits(self) -> int:
        """Return how many images of the epoch were read right, each before its update."""
        return sum(round(self.backend.to_numpy(lane.hits.total).item()) for lane in self.lanes)

    def told_loss(self, losses: NDArray[Any]) -> float:
        """Return the loss to tell of an epoch whose updates had these losses, shape (steps,)."""
        if self.recipe.loss_on == "updates":
            return float(losses.mean(dtype=np.float64))
        x, labels = self.batches.slice(0, min(self.batch_size, self.batches.piece))
        loss = self.lanes[0].criterion.forward(self.model.forward(x), labels)  # (1, 1)
        return float(self.backend.to_numpy(loss).item())

    def _begin(self, number: int) -> Array:
        """Bring the epoch's order to the device; return its learning rates, shape (steps,)."""
        r, N = self.recipe, len(self.batches)
        self.batches.key = epoch_key(r.seed, number)
        if r.shuffle and r.batch_size != "full":
            self.order = self.batches.order(self._shuffler.permutation(N))  # (N,)
        for lane in self.lanes:
            lane.begin(number)
        times = number + (np.arange(self.steps) + 0.5) / self.steps  # (steps,)
        rates = [learning_rate(r.schedule, r.lr, r.warmup, r.epochs, t) for t in times]
        return self.backend.asarray(np.array(rates), self.model.dtype)

    def _epoch_in_spans(
        self, rates: Array, on_step: Callable[[int, Array], None] | None, k: int
    ) -> None:
        """Take the steps a span at a time; lane k computes its share of each gradient."""
        xp, N, lane = self.xp, len(self.batches), self.lanes[k]
        ends = [*range(self.span * self.batch_size, N, self.span * self.batch_size), N]
        spans: Iterable[Batch]
        if self.in_order:
            spans = [Batch(k, *self.batches.slice(*self._share(N, k), slot=k))]
        else:
            rows = [self._rows(start, end, k) for start, end in pairwise([0, *ends])]
            spans = self.batches.stream(rows, k)
        first = start = 0
        for end, batch in zip(ends, spans, strict=True):
            last = -(-end // self.batch_size)
            xp.copyto(self.span_rates[: last - first], rates[first:last])
            steps = partial(self._steps, batch.x, batch.labels, end - start, k)
            lane.repeat((batch.slot, end - start, self.crew.apart), steps)
            xp.copyto(self.losses[first:last], self.span_losses[: last - first])
            first, start = last, end
            if on_step is not None and k == 0:
                on_step(end, self.losses[last - 1 : last])

    def _rows(self, start: int, end: int, k: int) -> Array:
        """Return the images from start to end in the order, or lane k's share of each batch."""
        rows = self.order[start:end]
        if len(self.lanes) == 1:
            return rows
        batches = [rows[i : i + self.batch_size] for i in range(0, len(rows), self.batch_size)]
        return np.concatenate([batch[slice(*self._share(len(batch), k))] for batch in batches])

    def _share(self, n: int, k: int) -> tuple[int, int]:
        """Return where lane k's share of n images begins and ends."""
        return n * k // len(self.lanes), n * (k + 1) // len(self.lanes)

    def _steps(self, x: Array, labels: Array, images: int, k: int) -> None:
        """Take one step from each batch of a span of images; x (n, I) is lane k's share of them."""
        lane = self.lanes[k]
        targets = lane.criterion.targets(labels)  # (n, C)
        row = 0
        for step, start in enumerate(range(0, images, self.batch_size)):
            total = min(self.batch_size, images - start)
            first, last = self._share(total, k)
            rows = slice(row, row := row + last - first)
            loss = lane.gradient(x[rows], targets[rows], total)
            if len(self.lanes) == 1:
                self._step(step, loss)
            else:
                self.xp.copyto(lane.loss_sum, loss)
                self._step_together(step, k)

    def _step_together(self, step: int, k: int) -> None:
        """Take the span's step from the sums of all lanes."""
        self.crew.meet(k)  # all gradients are there
        if k == 0 or self.crew.apart:
            self._add_up(self.gradients, [lane.gradient_sum for lane in self.lanes])
            self._add_up(self.loss, [lane.loss_sum for lane in self.lanes])
            self._step(step, self.loss)
        self.crew.meet(k)  # all have been read

    def _add_up(self, total: Array, parts: list[Array]) -> None:
        """Write the sum of the parts; of one part, that is where the total is already."""
        if len(parts) > 1:
            self.xp.add(parts[0], parts[1], out=total)
        for part in parts[2:]:
            self.xp.add(total, part, out=total)

    def _epoch_in_pieces(
        self, rates: Array, on_step: Callable[[int, Array], None] | None, k: int
    ) -> None:
        """Take the steps one by one, each from gradients of which lane k adds its pieces up."""
        lane, N = self.lanes[k], len(self.batches)
        for i in range(self.steps):
            start, stop = i * self.batch_size, min((i + 1) * self.batch_size, N)
            self._add_pieces(k, start, stop)
            self.xp.copyto(self.span_rates[:1], rates[i : i + 1])
            lane.repeat(("step", self.crew.apart), partial(self._step_together, 0, k))
            self.xp.copyto(self.losses[i : i + 1], self.span_losses[:1])
            if on_step is not None and k == 0:
                on_step(stop, self.losses[i : i + 1])

    def _add_pieces(self, k: int, start: int, stop: int) -> None:
        """Let lane k add up its share of the pieces of a batch."""
        lane, lanes, total = self.lanes[k], len(self.lanes), stop - start
        pieces = list(self.batches.pieces(start, stop, lanes))
        for nth, (first, last) in enumerate(pieces[k::lanes]):
            if self.in_order:
                x, labels = self.batches.slice(first, last, slot=k)
            else:
                x, labels = self.batches.gather(self.order[first:last], first, slot=k)
            lane.seek(first)
            where = first if self.in_order and self.batches.keeps_floats else "copied"
            work = partial(lane.add_piece, x, labels, total, anew=nth == 0)
            lane.repeat((where, len(x), total, nth == 0), work)

    def _step(self, k: int, loss: Array) -> None:
        """Take the span's step k with the gradient that is there; note the loss."""
        self.optimizer.lr = self.span_rates[k : k + 1]
        self.optimizer.step()
        if self.max_norm is not None:
            self.max_norm.apply()
        self.xp.copyto(self.span_losses[k : k + 1], loss)
