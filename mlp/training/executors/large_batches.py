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
from mlp.training.executors.accumulate import AccumulatingExecutor, Sums
from mlp.training.executors.executor import EpochInputs
from mlp.training.parallel.workers import WorkerGroup
from mlp.training.recipe import Recipe

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


class LargeBatchExecutor(AccumulatingExecutor):
    """Training on batches of several micro-batches each, with the exact gradient of the batch.

    See `Executor` for the arguments; the group and the steps it makes itself.
    """

    def __init__(self, model: MLP, batches: Batches, batch_size: int, recipe: Recipe) -> None:
        memory = model.backend.memory()
        # A device with memory of its own works as one, on micro-batches that fill it.
        count = 1 if memory.is_discrete else plan_parts(batch_size, model.weight_count)
        group = WorkerGroup(min(memory.workers, count))
        P, dtype, xp = len(model.parameters), model.dtype, model.backend.xp
        losses = model.networks, 1  # one for each network
        sums = [Sums(xp.zeros(losses, dtype=dtype), xp.zeros(P, dtype=dtype)) for _ in range(count)]
        total = sums[0]
        if count > 1:
            total = Sums(xp.zeros(losses, dtype=dtype), xp.empty(P, dtype=dtype))
        super().__init__(model, batches, batch_size, recipe, group, count, sums, total)

    def run_all(self, inputs: EpochInputs) -> None:
        """Let all workers go through an epoch together, with two barriers in each update."""
        self.group.run(partial(self.work_as, inputs=inputs))

    def work_as(self, worker: int, inputs: EpochInputs) -> None:
        """Make the updates of an epoch one by one, each from accumulated gradients."""
        mine = share_of(self.parts, worker, self.group.count)
        for i in range(inputs.first, len(inputs.losses)):
            start = i * self.batch_size
            stop = min(start + self.batch_size, len(self.worker_batches[worker]))
            for part in range(mine.start, mine.stop):
                self.accumulate(inputs.order, worker, part, part, start, stop)
            if worker == 0:
                self.announce(inputs, i + 1)
                self.xp.copyto(self.lr, inputs.lrs[i : i + 1])
            self.replay(("update", worker), partial(self._update, worker, self.lr))
            if worker == 0:
                written = inputs.losses[i : i + 1]
                self.xp.copyto(written, self.total.loss.reshape(written.shape))
                if inputs.on_step is not None:
                    inputs.on_step(stop, inputs.losses[i : i + 1])
            if self.stops(inputs, worker, i + 1):
                return

    def whole_epoch(self, order: Array, lr: Array, loss: Array) -> None:
        """Make the one update of an epoch, from the gradients of its micro-batches."""
        for part in range(self.parts):
            self.accumulate(order, 0, part, part, 0, len(order), captured=False)
        self._update(0, lr)
        self.xp.copyto(loss, self.total.loss)

    def _update(self, worker: int, lr: Array) -> None:
        """Let the first worker update the parameters from the gradients of all parts."""
        self.group.barrier(worker)  # all gradients are there
        if worker == 0:
            self._add_up(self.total.gradients, [part.gradients for part in self.sums])
            self._add_up(self.total.loss, [part.loss for part in self.sums])
            self.steps[0].update(lr)
        self.group.barrier(worker)  # all have been read

    def _add_up(self, total: Array, parts: list[Array]) -> None:
        """Write the sum of the parts to total, which is the part itself where there is but one."""
        if len(parts) > 1:
            self.xp.add(parts[0], parts[1], out=total)
        for part in parts[2:]:
            self.xp.add(total, part, out=total)
