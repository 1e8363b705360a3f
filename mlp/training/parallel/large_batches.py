"""Epochs of large batches: in pieces that stay near a core, shared out to lanes by the images."""

from __future__ import annotations

import math
from functools import partial

from backends import Array
from mlp.data.batches import Batches
from mlp.nn.network import MLP
from mlp.training.lane import Lane, Plan
from mlp.training.parallel.workers import Crew
from mlp.training.recipe import Recipe
from mlp.training.step import Step

WORTH_SHARING = 60e6
"""Floating-point operations of an update above which sharing it out pays; see bench/LOG.md."""


def worthwhile_lanes(cores: int, batch_size: int, weights: int) -> int:
    """Tell among how many lanes to share the images of an update out.

    With each further lane there is less to compute for each, and another gradient to read: on
    float32, about 0.026 ns for a weight and an image, and 0.13 ns for a weight and a lane. So the
    best number is about the square root of a fifth of the batch.

    Args:
        cores: how many the device has.
        batch_size: images of an update.
        weights: of the network.
    """
    if 6.0 * batch_size * weights < WORTH_SHARING:
        return 1
    return min(cores, max(1, math.isqrt(batch_size // 5)))


class Pieces:
    """Training on batches that are too large for one piece: every lane has all of the network.

    Args:
        model: the network.
        batches: the training images.
        batch_size: images of an update.
        recipe: the hyperparameters.

    Attributes:
        crew: the lanes at work.
        lanes: a lane for each of them, with a twin of the network.
    """

    def __init__(self, model: MLP, batches: Batches, batch_size: int, recipe: Recipe) -> None:
        self.model, self.batches, self.batch_size = model, batches, batch_size
        self.backend, self.xp = model.backend, model.backend.xp
        self.in_order = recipe.batch_size == "full" and recipe.augment is None  # as they lie
        cores = self.backend.memory().workers
        lanes = worthwhile_lanes(cores, batch_size, model.weight_count)
        self.crew = crew = Crew(lanes, self.backend)
        networks = [model, *(model.twin() for _ in range(lanes - 1))]
        self.lanes = [Lane(network, recipe) for network in networks]
        P = len(model.parameters)
        self.gradient_sums = [crew.zeros(P, model.dtype) for _ in networks]  # (P,)
        self.loss_sums = [crew.zeros(1, model.dtype) for _ in networks]
        for lane in self.lanes:
            lane.hits.total = crew.zeros((1, 1), model.dtype)
        several = lanes > 1
        self.gradients = self.xp.empty(P, model.dtype) if several else self.gradient_sums[0]
        self.loss = self.xp.zeros(1, dtype=model.dtype) if several else self.loss_sums[0]
        self.rate = self.xp.zeros(1, dtype=model.dtype)
        self.step = Step(model, self.gradients, recipe, crew)

    def epoch(self, plan: Plan) -> None:
        """Take the steps of an epoch."""
        self.crew.work(partial(self._epoch, plan), 2 * len(plan.losses))

    def hits(self) -> int:
        """Return how many images of the epoch were read right, each before its update."""
        return sum(round(self.backend.to_numpy(lane.hits.total).item()) for lane in self.lanes)

    def networks(self) -> list[MLP]:
        """Return the network and twins of it, one for each lane."""
        return [lane.model for lane in self.lanes]

    def _epoch(self, plan: Plan, k: int) -> None:
        """Take the steps one by one, each from gradients of which lane k adds its pieces up."""
        lane, N = self.lanes[k], len(self.batches)
        for i in range(len(plan.losses)):
            start, stop = i * self.batch_size, min((i + 1) * self.batch_size, N)
            self._add_pieces(plan.order, k, start, stop)
            if k == 0 or self.crew.apart:
                self.xp.copyto(self.rate, plan.rates[i : i + 1])
            lane.repeat(("step", self.crew.apart), partial(self._step_together, k))
            if k == 0:
                self.xp.copyto(plan.losses[i : i + 1], self.loss)
                if plan.on_step is not None:
                    plan.on_step(stop, plan.losses[i : i + 1])

    def _add_pieces(self, order: Array, k: int, start: int, stop: int) -> None:
        """Let lane k add up its share of the pieces of a batch."""
        lane, lanes, total = self.lanes[k], len(self.lanes), stop - start
        pieces = list(self.batches.pieces(start, stop, lanes))
        for nth, (first, last) in enumerate(pieces[k::lanes]):
            if self.in_order:
                x, labels = self.batches.slice(first, last, slot=k)
            else:
                x, labels = self.batches.gather(order[first:last], first, slot=k)
            lane.seek(first)
            where = first if self.in_order and self.batches.keeps_floats else "copied"
            work = partial(self._add_piece, x, labels, total, k, anew=nth == 0)
            lane.repeat((where, len(x), total, nth == 0), work)

    def _add_piece(self, x: Array, labels: Array, total: int, k: int, *, anew: bool) -> None:
        """Add a piece's part of the gradient and of the loss to lane k's, or begin these anew."""
        lane = self.lanes[k]
        loss = lane.gradient(x, lane.criterion.targets(labels), total)
        for whole, part in (
            (self.loss_sums[k], loss),
            (self.gradient_sums[k], lane.model.gradients),
        ):
            if anew:
                self.xp.copyto(whole, part)
            else:
                self.xp.add(whole, part, out=whole)

    def _step_together(self, k: int) -> None:
        """Take a step from the sums of all lanes."""
        self.crew.meet(k)  # all gradients are there
        if k == 0 or self.crew.apart:
            self._add_up(self.gradients, self.gradient_sums)
            self._add_up(self.loss, self.loss_sums)
            self.step.take(self.rate)
        self.crew.meet(k)  # all have been read

    def _add_up(self, total: Array, parts: list[Array]) -> None:
        """Write the sum of the parts; of one part, that is where the total is already."""
        if len(parts) > 1:
            self.xp.add(parts[0], parts[1], out=total)
        for part in parts[2:]:
            self.xp.add(total, part, out=total)
