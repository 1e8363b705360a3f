"""Data parallelism over ranks: each computes its pieces of every batch, and all add them up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.errors import UsageError
from mlp.data.batches import Batches
from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP
from mlp.training.parallel.accumulate import AccumulatingExecutor, Sums
from mlp.training.parallel.executor import EpochInputs
from mlp.training.parallel.workers import WorkerGroup
from mlp.training.ranks.ranks import Ranks
from mlp.training.ranks.tree import Tree, carries, plan_pieces
from mlp.training.recipe import Recipe

LINE = 16
"""The share of a sum that a rank adds up is a multiple of so many numbers, a line of the cache."""


class RankedExecutor(AccumulatingExecutor):
    """Training in which each rank has all parameters and computes a share of every batch.

    A batch is cut into pieces, whose number follows from its size alone, and their gradients are
    added in the order of a `Tree`. So any number of ranks computes the same bytes, on processors
    with the same kernels.

    Args:
        model: the network.
        batches: the training images, all of them, on each rank.
        batch_size: images of an update.
        recipe: the hyperparameters.
        ranks: who trains together.

    Raises:
        UsageError: if there are more ranks than pieces, a layer takes batches whole, or the device
            is a GPU.
    """

    def __init__(
        self, model: MLP, batches: Batches, batch_size: int, recipe: Recipe, ranks: Ranks
    ) -> None:
        _check_ranks(model)
        pieces = plan_pieces(batch_size)
        if ranks.size > pieces:
            raise UsageError(
                f"batches of {batch_size:,} are cut into {pieces} pieces, too few for {ranks.size} "
                f"ranks: start at most {pieces}, or choose a larger --batch-size"
            )
        self.ranks, self.tree = ranks, Tree(pieces, ranks.size)
        self.own = self.tree.blocks[ranks.rank]
        group = WorkerGroup(1, model.backend)  # nothing forks where MPI has threads
        # A row holds a gradient, its loss, and whether a rank wants to pause.
        P, unit = len(model.parameters), LINE * ranks.size
        n, levels = -(-(P + 2) // unit) * unit, max(map(len, self.own)).bit_length() - 1
        self._blocks = group.zeros((len(self.own), n), model.dtype)
        self._rows = [*self._blocks, *group.zeros((levels, n), model.dtype)]
        self._whole = group.zeros(n, model.dtype)
        self._pause, self._correct = P + 1, np.zeros(1)
        places = [_sums(row, P) for row in self._rows]
        total = _sums(self._whole, P)
        super().__init__(model, batches, batch_size, recipe, group, pieces, places, total)

    def run_all(self, inputs: EpochInputs) -> None:
        """Make the updates of an epoch, all ranks together."""
        self.work_as(0, inputs)
        self._count()

    def work_as(self, rank: int, inputs: EpochInputs) -> None:
        """Make the updates one by one; ``rank`` is that of a worker, of which there is one."""
        xp, N, pause = self.xp, len(self.worker_batches[rank]), inputs.pause
        for i in range(inputs.first, len(inputs.losses)):
            start = i * self.batch_size
            stop = min(start + self.batch_size, N)
            for place, block in enumerate(self.own):
                self._add_up(inputs.order, place, block, start, stop)
            wanted = pause is not None and pause.is_due(i + 1)
            xp.copyto(self._blocks[:, self._pause], 0.0)
            xp.copyto(self._blocks[:1, self._pause], float(wanted))
            self.ranks.all_reduce(self._blocks, self.tree, self._whole)
            xp.copyto(self.lr, inputs.lrs[i : i + 1])
            self.replay("update", self._update)
            xp.copyto(inputs.losses[i : i + 1], self.total.loss.reshape(1))
            if inputs.on_step is not None:
                inputs.on_step(stop, inputs.losses[i : i + 1])
            if pause is not None and self._whole[self._pause] > 0:
                self._count()
                if pause.act(i + 1):
                    self.stopped_at = i + 1
                    return

    def restore_correct(self, count: int) -> None:
        """Continue the count of correct answers from a number, in the first rank."""
        super().restore_correct(0 if self.ranks.rank else count)

    def correct(self) -> NDArray[Any]:
        """Return how many images of the epoch all ranks had answered correctly, when last asked.

        They were asked at the end of the epoch, and at the latest pause.

        Returns:
            A whole number, shape (1,).
        """
        return self._correct

    def _count(self) -> None:
        self._correct = np.sum(self.ranks.all_gather(super().correct()), axis=0)  # (1,)

    def _add_up(self, order: Array, place: int, block: range, start: int, stop: int) -> None:
        """Add up the pieces of a block of a batch in its row, in the order of the tree."""
        spare = len(self.own)
        sums = [place, *range(spare, len(self._rows))]  # a stack: the latest sums that are whole
        depth = 0
        for number, piece in enumerate(block):
            self.accumulate(order, 0, piece, sums[depth], start, stop)
            depth += 1
            for _ in range(carries(number)):
                depth -= 1
                left, right = self._rows[sums[depth - 1]], self._rows[sums[depth]]
                self.xp.add(left, right, out=left)

    def _update(self) -> None:
        self.steps[0].update(self.lr)


def _sums(row: Array, P: int) -> Sums:
    """Return where a row (n,) holds a loss, behind the gradient of P parameters."""
    return Sums(row[P : P + 1].reshape(1, 1), row[:P])


def _check_ranks(model: MLP) -> None:
    """Refuse what ranks cannot do together."""
    if model.backend.memory().is_discrete:
        raise UsageError("ranks train on processors, and not on GPUs: add --device cpu")
    for name, kind in LAYERS.items():
        if any(type(layer) is kind and layer.whole_batch for layer in model.layers):
            raise UsageError(
                f"{name} takes all images of a batch at once, which ranks cut into pieces: train "
                "without mpiexec, or choose another layer, such as layer_norm"
            )
