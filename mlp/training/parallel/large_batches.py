"""Epochs of large batches: gradient accumulation over micro-batches that stay near a core.

A batch is cut into parts, and the gradient of the batch is the sum of theirs, in order. Several
workers take a share of the parts each, which is data parallelism: each has a replica of the network
and accumulates the gradients of its parts, micro-batch by micro-batch. How a batch is cut depends
on it and the network alone, so that any number of workers computes the same bytes.
"""

from __future__ import annotations

from functools import partial

from backends import Array
from mlp.common.threads import share_of
from mlp.data.batches import Batches
from mlp.nn.network import MLP
from mlp.training.parallel.executor import EpochInputs, Executor
from mlp.training.parallel.replica import Replica
from mlp.training.parallel.workers import WorkerGroup
from mlp.training.recipe import Recipe
from mlp.training.step import Step, make_optimizer

WORTH_SHARING = 60e6
"""Floating-point operations of an update above which several workers pay; see bench/LOG.md."""

MOST_PARTS = 16
"""And so the most workers: each part has a gradient of its own."""

IMAGES_A_PART = 200
"""A part's gradient takes 0.13 ns a weight to write and read, an image 0.026 ns: the parts of so
many images cost a fortieth."""


def plan_parts(batch_size: int, weights: int) -> int:
    """Choose how many parts a batch is cut into, whatever the machine.

    Args:
        batch_size: images of an update.
        weights: of the network.
    """
    if 6.0 * batch_size * weights < WORTH_SHARING:
        return 1
    return min(MOST_PARTS, max(2, batch_size // IMAGES_A_PART))


class LargeBatchExecutor(Executor):
    """Training on batches of several micro-batches each, with the exact gradient of the batch.

    See `Executor` for the arguments; the group and the steps it makes itself.
    """

    def __init__(self, model: MLP, batches: Batches, batch_size: int, recipe: Recipe) -> None:
        memory = model.backend.memory()
        # A device with memory of its own works as one, on micro-batches that fill it.
        count = 1 if memory.is_discrete else plan_parts(batch_size, model.weight_count)
        group = WorkerGroup(min(memory.workers, count), model.backend)
        replicas = [model, *(Replica(model) for _ in range(group.size - 1))]
        P, dtype, xp, several = len(model.parameters), model.dtype, group.xp, count > 1
        self.gradient_sums = [group.zeros(P, dtype) for _ in range(count)]  # (P,) each part's
        self.loss_sums = [group.zeros((1, 1), dtype) for _ in range(count)]  # (1, 1) each
        self.gradients = xp.empty(P, dtype) if several else self.gradient_sums[0]  # (P,)
        self.loss = xp.zeros((1, 1), dtype=dtype) if several else self.loss_sums[0]  # (1, 1)
        self.lr = xp.zeros(1, dtype=dtype)  # (1,)
        self.totals = [xp.zeros((1, 1), dtype=dtype) for _ in range(group.size)]
        optimizer = make_optimizer(model, self.gradients, recipe)
        steps = [Step(replica, recipe, optimizer) for replica in replicas]
        for step in steps:
            if step.correct is not None:
                step.correct.total = group.zeros((1, 1), dtype)
        super().__init__(steps, model, batches, batch_size, recipe, group)

    def run_all(self, inputs: EpochInputs) -> None:
        """Let all workers go through an epoch together, with two barriers in each update."""
        self.group.run(partial(self.work_as, inputs=inputs), 2 * len(inputs.losses))

    def work_as(self, rank: int, inputs: EpochInputs) -> None:
        """Make the updates of an epoch one by one, each from accumulated gradients."""
        updates = rank == 0 or self.group.in_processes  # a process has its own parameters
        mine = share_of(len(self.gradient_sums), rank, self.group.size)
        for i in range(inputs.first, len(inputs.losses)):
            start = i * self.batch_size
            stop = min(start + self.batch_size, len(self.worker_batches[rank]))
            for part in range(mine.start, mine.stop):
                self._accumulate(inputs.order, rank, part, start, stop)
            if rank == 0:
                self.ask_for_pause(inputs, i + 1)
            if updates:
                self.xp.copyto(self.lr, inputs.lrs[i : i + 1])
            self.replay(("update", rank, updates), partial(self._update, rank, updates))
            if rank == 0:
                self.xp.copyto(inputs.losses[i : i + 1], self.loss[0])
                if inputs.on_step is not None:
                    inputs.on_step(stop, inputs.losses[i : i + 1])
            if self.stops(inputs, rank, i + 1):
                return

    def restore_correct(self, count: int) -> None:
        """Continue the count of correct answers from a number, in the first worker."""
        for rank, step in enumerate(self.steps):
            if step.correct is not None:
                self.xp.copyto(step.correct.total, 0.0 if rank else float(count))

    def correct(self) -> int:
        """Return how many images of the epoch were answered correctly, each before its update."""
        totals = [step.correct.total for step in self.steps if step.correct is not None]
        return sum(round(self.backend.to_numpy(total).item()) for total in totals)

    def replicas(self) -> list[MLP]:
        """Return the network and its replicas, one for each worker."""
        return [step.model for step in self.steps]

    def _accumulate(self, order: Array, rank: int, part: int, start: int, stop: int) -> None:
        """Let a worker add up the gradients of the micro-batches of a part of a batch."""
        step, batches = self.steps[rank], self.worker_batches[rank]
        total, weighed = self._total(order, rank, start, stop), batches.weights is not None
        parts = len(self.gradient_sums)
        micro_batches = list(batches.micro_batches(start, stop, parts))
        for nth, (first, last) in enumerate(micro_batches[part::parts]):
            if self.in_order:
                x, labels = batches.slice(first, last)
            else:
                x, labels = batches.gather(order[first:last], first)
            step.seek(first)
            where = first if self.in_order and batches.keeps_floats else "copied"
            work = partial(self._add_gradient, x, labels, total, rank, part, anew=nth == 0)
            known = "weighed" if weighed else total  # an array holds what weights add up to
            self.replay((rank, part, where, len(x), known, nth == 0), work)

    def _total(self, order: Array, rank: int, start: int, stop: int) -> int | Array:
        """Return what the losses of a batch are divided by: its size, or the sum of its weights."""
        batches, total = self.worker_batches[rank], self.totals[rank]
        if batches.weights is None:
            return stop - start
        batches.add_up_weights(order[start:stop], total)
        return total

    def _add_gradient(
        self, x: Array, labels: Array, total: int | Array, rank: int, part: int, *, anew: bool
    ) -> None:
        """Add a micro-batch's gradient and loss to its part's, or start these anew with them."""
        step, sums = self.steps[rank], (self.loss_sums[part], self.gradient_sums[part])
        loss = step.gradient(x, step.criterion.targets(labels), total)
        for whole, own in zip(sums, (loss, step.model.gradients), strict=True):
            if anew:
                self.xp.copyto(whole, own)
            else:
                self.xp.add(whole, own, out=whole)

    def _update(self, rank: int, updates: bool) -> None:
        """Update the parameters from the gradients of all parts."""
        self.group.barrier(rank)  # all gradients are there
        if updates:
            self._add_up(self.gradients, self.gradient_sums)
            self._add_up(self.loss, self.loss_sums)
            self.steps[0].update(self.lr)
        self.group.barrier(rank)  # all have been read

    def _add_up(self, total: Array, parts: list[Array]) -> None:
        """Write the sum of the parts to total, which is the part itself where there is but one."""
        if len(parts) > 1:
            self.xp.add(parts[0], parts[1], out=total)
        for part in parts[2:]:
            self.xp.add(total, part, out=total)
