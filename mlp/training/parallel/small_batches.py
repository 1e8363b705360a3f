"""Epochs of small batches: a span of several updates at a time, in lanes that each have a shard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate, pairwise

from backends import Array
from mlp.data.batches import Batch, Batches
from mlp.nn.network import MLP
from mlp.training.lane import Lane, Plan
from mlp.training.parallel.tensor_parallel import Sharing, shards, worthwhile_sharing
from mlp.training.parallel.workers import Crew, worth_forking
from mlp.training.recipe import Recipe
from mlp.training.step import Step

SPAN_PIECES = 2
"""The images of a span of updates are gathered ahead: at most so many pieces' worth. A batch of
more goes to `large_batches`, however many cores there are: here every lane has all its images."""

SPAN_OF_LANES = 4
"""Updates of a span that lanes share: a process has to capture the span anew in each epoch."""


class Spans:
    """Training on batches of which each fits near a core: every lane sees all of its images.

    Args:
        model: the network.
        batches: the training images.
        batch_size: images of an update.
        recipe: the hyperparameters.

    Attributes:
        crew: the lanes at work.
        lanes: a lane for each of them.
    """

    def __init__(self, model: MLP, batches: Batches, batch_size: int, recipe: Recipe) -> None:
        self.model, self.batches, self.batch_size = model, batches, batch_size
        self.backend, self.xp = model.backend, model.backend.xp
        self.augmented = recipe.augment is not None
        self.in_order = recipe.batch_size == "full" and recipe.augment is None  # as they lie
        memory, updates = self.backend.memory(), -(-len(batches) // batch_size)
        forks = worth_forking(updates)  # lanes that share it meet in each, at least once
        lanes, pairs = worthwhile_sharing(model.sizes, batch_size, memory.workers, forks=forks)
        if recipe.clip_norm is not None:  # no lane has the whole gradient
            lanes, pairs = Sharing(1, [])
        self.crew = Crew(lanes, self.backend)
        self.shards = shards(model, batch_size, self.crew, pairs) if lanes > 1 else []
        networks: Sequence[MLP] = self.shards or [model]
        self.lanes = [Lane(network, recipe) for network in networks]
        self.step = [Step(network, network.gradients, recipe, self.crew) for network in networks]
        ahead = memory.prefetch if lanes == 1 else min(memory.prefetch, SPAN_OF_LANES)
        self.span = max(1, min(ahead, SPAN_PIECES * batches.piece // batch_size))
        shape = (self.span * batch_size if lanes > 1 and self.augmented else 0, model.sizes[0])
        self.deformed = [self.crew.zeros(shape, model.dtype) for _ in range(2)]  # (n, I), in turn
        self.span_rates = [self.xp.zeros(self.span, dtype=model.dtype) for _ in networks]
        self.span_losses = [self.xp.zeros(self.span, dtype=model.dtype) for _ in networks]
        self.meetings = updates * len(pairs)

    def epoch(self, plan: Plan) -> None:
        """Take the steps of an epoch."""
        for shard in self.shards:
            shard.load()
        try:
            self.crew.work(partial(self._epoch, plan), self.meetings)
        except BaseException:
            for step in self.step if self.shards else []:
                step.rest()  # the lanes stopped in different updates
            raise
        for shard in self.shards:
            shard.store()

    def hits(self) -> int:
        """Return how many images of the epoch were read right, each before its update."""
        return int(self.backend.to_numpy(self.lanes[0].hits.total).item())  # all count the same

    def networks(self) -> list[MLP]:
        """Return the network and twins of it, one for each lane."""
        return [self.model, *(self.model.twin() for _ in self.lanes[1:])]

    def _epoch(self, plan: Plan, k: int) -> None:
        """Take the steps a span at a time, as lane k."""
        xp, N, lane = self.xp, len(self.batches), self.lanes[k]
        ends = [*range(self.span * self.batch_size, N, self.span * self.batch_size), N]
        spans = [plan.order[start:end] for start, end in pairwise([0, *ends])]
        first = start = 0
        for end, batch in zip(ends, self._batches(spans, k), strict=True):
            last = -(-end // self.batch_size)
            xp.copyto(self.span_rates[k][: last - first], plan.rates[first:last])
            self.crew.meet(k)  # all have done with the last span, and this one's images are there
            steps = partial(self._steps, batch.x, batch.labels, k)
            lane.repeat((batch.slot, end - start), steps)
            if k == 0:
                xp.copyto(plan.losses[first:last], self.span_losses[k][: last - first])
                if plan.on_step is not None:
                    plan.on_step(end, plan.losses[last - 1 : last])
            first, start = last, end

    def _batches(self, spans: list[Array], k: int) -> Iterator[Batch]:
        """Gather the images of each span for lane k."""
        if self.in_order:
            yield Batch(k, *self.batches.slice(0, len(self.batches), slot=k))
        elif self.augmented and self.shards:
            yield from self._deform(spans, k)
        else:
            yield from self.batches.stream(spans, k)

    def _deform(self, spans: list[Array], k: int) -> Iterator[Batch]:
        """Deform lane k's share of each span's images and show it to all lanes."""
        lanes = len(self.lanes)
        firsts = accumulate((len(rows) for rows in spans), initial=0)
        for nth, (rows, first) in enumerate(zip(spans, firsts, strict=False)):
            share = slice(len(rows) * k // lanes, len(rows) * (k + 1) // lanes)
            whole = self.deformed[nth % 2][: len(rows)]
            x, _ = self.batches.gather(rows[share], first + share.start, slot=k)
            self.xp.copyto(whole[share], x)
            yield Batch(nth % 2, whole, self.batches.labels_of(rows, slot=k))

    def _steps(self, x: Array, labels: Array, k: int) -> None:
        """Take one step from each batch of a span of images x (n, I)."""
        lane = self.lanes[k]
        if self.shards:
            self.shards[k].begin()
        targets = lane.criterion.targets(labels)  # (n, C)
        for nth, start in enumerate(range(0, len(x), self.batch_size)):
            rows = slice(start, start + self.batch_size)
            loss = lane.gradient(x[rows], targets[rows], len(x[rows]))
            self.step[k].take(self.span_rates[k][nth : nth + 1])
            self.xp.copyto(self.span_losses[k][nth : nth + 1], loss)
