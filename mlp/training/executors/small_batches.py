"""Epochs of small batches: several updates in one captured sequence, as `lax.scan` has it.

Every worker sees all images of a batch. Where an update has work for several, the network is cut
into shards, of which each has a share: tensor parallelism.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.threads import share_of
from mlp.data.batches import Batches
from mlp.nn.network import MLP
from mlp.training.executors.executor import EpochInputs, Executor, Pause
from mlp.training.parallel.all_reduce import Share
from mlp.training.parallel.prefetch import firsts, prefetch
from mlp.training.parallel.shard_step import ShardStep, WorkerStep
from mlp.training.parallel.tensor_parallel import WHOLE, make_shards, plan_shards
from mlp.training.parallel.workers import WorkerGroup
from mlp.training.recipe import Recipe
from mlp.training.step import Step, make_optimizer

SPAN_MICRO_BATCHES = 2
"""A span's images are gathered at once; they are at most so many micro-batches' worth, of several
workers one, as the next one is gathered beside it. A larger batch goes to `large_batches`, whatever
the number of cores, as here every worker has all of it."""

Span = tuple[int, Array, Array]
"""Which arrays the images of a span are in; the images x (n, I); their labels (n,) or (n, L)."""


class SmallBatchExecutor(Executor):
    """Training on batches that each fit near a core, a span of several updates at a time.

    See `Executor` for the arguments; the group and the steps it makes itself.
    """

    def __init__(self, model: MLP, batches: Batches, batch_size: int, recipe: Recipe) -> None:
        memory = model.backend.memory()
        plan = plan_shards(model, batch_size)
        # To clip a norm needs the whole gradient, which no worker has. And a device with memory of
        # its own works as one; so do networks side by side, which are not cut.
        if recipe.clip_norm is not None or memory.is_discrete or model.networks > 1:
            plan = WHOLE
        group = WorkerGroup(min(memory.workers, plan.shards))
        self.shards = make_shards(model, batch_size, group, plan) if plan.shards > 1 else []
        shard_steps = [ShardStep(shard, recipe) for shard in self.shards]
        steps: Sequence[Step] = shard_steps or [Step(model, recipe)]
        most = (1 if self.shards else SPAN_MICRO_BATCHES) * batches.micro_batch_size
        self.span = max(1, min(memory.span, most // batch_size))
        super().__init__(steps, model, batches, batch_size, recipe, group, self.span)
        # The steps of that many workers, by their number: each has the same shards in other hands.
        self.workers: dict[int, list[WorkerStep]] = {}
        if self.shards:
            for count in range(1, group.size + 1):
                shares = [share_of(plan.shards, worker, count) for worker in range(count)]
                self.workers[count] = [
                    WorkerStep(shard_steps[mine], Share(worker, range(mine.start, mine.stop)))
                    for worker, mine in enumerate(shares)
                ]
            # Each shard has its part of these.
            self.optimizer_state = make_optimizer(model, model.gradients, recipe).state
        self.prefetches = recipe.augment is not None and memory.workers > 1 and not self.shards
        rows = self.span * batch_size if self.shards and not self.in_order else 0
        self.images = [self.xp.zeros((rows, model.sizes[0]), dtype=model.dtype) for _ in range(2)]
        self.lrs = [self.xp.zeros(self.span, dtype=model.dtype) for _ in steps]
        losses = self.span, model.networks, 1
        self.losses = [self.xp.zeros(losses, dtype=model.dtype) for _ in steps]

    def run_all(self, inputs: EpochInputs) -> None:
        """Let all workers go through an epoch together, each with its shards."""
        for shard, step in zip(self.shards, self.steps, strict=False):  # or there are no shards
            shard.scatter(self.model.parameters, shard.parameters)
            for name, whole in self.optimizer_state.items():
                if whole.shape == self.model.parameters.shape:
                    shard.scatter(whole, step.optimizer.state[name])
                else:
                    self.xp.copyto(step.optimizer.state[name], whole)
            step.keep_frozen()
        self.group.run(partial(self.work_as, inputs=inputs))
        self.unshard()

    def unshard(self) -> None:
        """Put the parameters and the optimizer's state together from the shards.

        What all have in common is that of the first: the others' is computed where they are the
        first of their worker.
        """
        for shard, step in reversed(list(zip(self.shards, self.steps, strict=False))):
            shard.unshard(shard.parameters, self.model.parameters)
            for name, whole in self.optimizer_state.items():
                if whole.shape == self.model.parameters.shape:
                    shard.unshard(step.optimizer.state[name], whole)
                else:
                    self.xp.copyto(whole, step.optimizer.state[name])

    def work_as(self, worker: int, inputs: EpochInputs) -> None:
        """Make the updates of an epoch, a span at a time."""
        xp, first, start = self.xp, inputs.first, inputs.first * self.batch_size
        cuts = self._cuts(start, len(inputs.order), inputs.pause)
        spans = [inputs.order[start:end] for start, end in pairwise(cuts)]
        for end, (arrays, x, labels) in zip(
            cuts[1:], self._gather(spans, start, worker), strict=True
        ):
            last = -(-end // self.batch_size)
            xp.copyto(self.lrs[worker][: last - first], inputs.lrs[first:last])
            if worker == 0:
                self.announce(inputs, first)
            if self.shards:
                # The last span is done, and this one's images are gathered.
                self.group.barrier(worker)
            if self.stops(inputs, worker, first):
                return
            self.replay((worker, arrays, end - start), partial(self._steps, x, labels, worker))
            if worker == 0:
                written = inputs.losses[first:last]
                xp.copyto(written, self.losses[worker][: last - first].reshape(written.shape))
                if inputs.on_step is not None:
                    inputs.on_step(end, inputs.losses[last - 1 : last])
            first, start = last, end

    def _cuts(self, start: int, N: int, pause: Pause | None) -> list[int]:
        """Cut the images from ``start`` to N into spans, which end at each pause to come."""
        stride, cuts = self.span * self.batch_size, [start]
        pauses = sorted(done * self.batch_size for done in pause.after) if pause else []
        for end in [*(place for place in pauses if start < place < N), N]:
            cuts += [*range(cuts[-1] + stride, end, stride), end]
        return cuts

    def restore_correct(self, count: int) -> None:
        """Continue the count of correct answers from a number: all workers count the same."""
        for step in self.steps:
            if step.correct is not None:
                self.xp.copyto(step.correct.total, float(count))

    def correct(self) -> NDArray[Any]:
        """Count what each network answered correctly, each image before its update, shape (S,)."""
        count = self.steps[0].correct  # all workers count the same
        if count is None:
            return np.zeros(self.model.networks)
        return self.backend.to_numpy(count.total).reshape(-1)

    def whole_epoch(self, order: Array, lr: Array, loss: Array) -> None:
        """Make the one update of an epoch."""
        step, (x, labels) = self.steps[0], self.worker_batches[0].slice(0, len(order))
        step.gradient(x, step.criterion.targets(labels), out=loss)
        step.update(lr)

    def _steps(self, x: Array, labels: Array, worker: int) -> None:
        """Take one step after another, on the batches of a span of images x (n, I)."""
        step: Step | WorkerStep = (
            self.workers[self.group.count][worker] if self.workers else self.steps[worker]
        )
        lrs, losses = self.lrs[worker], self.losses[worker]
        if isinstance(step, WorkerStep):
            step.start_span()
        targets = step.criterion.targets(labels)  # (n, C)
        for nth, start in enumerate(range(0, len(x), self.batch_size)):
            rows = slice(start, start + self.batch_size)
            step.gradient(x[rows], targets[rows], out=losses[nth])
            step.update(lrs[nth : nth + 1])

    def _gather(self, spans: list[Array], start: int, worker: int) -> Iterator[Span]:
        """Gather the images of each span; the first one is at ``start`` in the epoch's order."""
        batches = self.worker_batches[worker]
        if self.in_order:
            yield 0, *batches.slice(0, len(batches))
        elif self.shards:
            yield from self._share(spans, start, worker)
        elif self.prefetches and len(spans) > 1:
            yield from prefetch(batches, spans, start)
        else:
            for rows, first in zip(spans, firsts(spans, start), strict=True):
                yield 0, *batches.gather(rows, first)

    def _share(self, spans: list[Array], start: int, worker: int) -> Iterator[Span]:
        """Gather a worker's share of each span's images, in arrays that all workers read.

        There are two of these in turn, as another worker may still be in the span before.
        """
        workers, batches = self.group.count, self.worker_batches[worker]
        for nth, (rows, first) in enumerate(zip(spans, firsts(spans, start), strict=True)):
            share = share_of(len(rows), worker, workers)
            x = self.images[nth % 2][: len(rows)]
            batches.gather_into(x[share], rows[share], first + share.start)
            yield nth % 2, x, batches.labels_of(rows)
