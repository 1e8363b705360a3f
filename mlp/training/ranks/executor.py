"""Data parallelism over ranks: each computes its pieces of every batch, and all add them up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.errors import UsageError
from mlp.common.threads import share_of
from mlp.data.batches import Batches
from mlp.nn.network import MLP
from mlp.training.executors.accumulate import AccumulatingExecutor, Sums
from mlp.training.executors.executor import EpochInputs
from mlp.training.executors.small_batches import SPAN_MICRO_BATCHES
from mlp.training.parallel.workers import WorkerGroup
from mlp.training.ranks.exchange import Exchange, open_exchange
from mlp.training.ranks.ranks import Ranks
from mlp.training.ranks.tree import Tree, carries, plan_pieces
from mlp.training.recipe import Recipe
from mlp.training.whole_batches import whole_batch_layer

LINE = 16
"""The share of a sum that a rank adds up is a multiple of so many numbers, a line of the cache."""

ALIGNED = 16
"""Bytes: images that begin at a multiple of these may be multiplied by another kernel on a GPU."""


class RankedExecutor(AccumulatingExecutor):
    """Training in which each rank has all parameters and computes a share of every batch.

    A batch is cut into pieces, whose number follows from its size alone, and their gradients are
    added in the order of a `Tree`. So any number of ranks computes the same bytes, on processors
    or GPUs with the same kernels.

    Args:
        model: the network.
        batches: the training images, all of them, on each rank.
        batch_size: images of an update.
        recipe: the hyperparameters.
        ranks: who trains together.

    Raises:
        UsageError: if there are more ranks than pieces, or a layer takes batches whole.
    """

    def __init__(
        self, model: MLP, batches: Batches, batch_size: int, recipe: Recipe, ranks: Ranks
    ) -> None:
        _check_layers(model)
        pieces = plan_pieces(batch_size)
        if ranks.size > pieces:
            raise UsageError(
                f"batches of {batch_size:,} are cut into {pieces} pieces, too few for {ranks.size} "
                f"ranks: start at most {pieces}, or choose a larger --batch-size"
            )
        self.ranks, self.tree = ranks, Tree(pieces, ranks.size)
        self.own = self.tree.blocks[ranks.rank]
        group, xp = WorkerGroup(1), model.backend.xp
        # A row holds a gradient, its loss, and a last number that is the exchange's.
        P, unit = len(model.parameters), LINE * ranks.size
        n, levels = -(-(P + 2) // unit) * unit, max(map(len, self.own)).bit_length() - 1
        self._blocks = xp.zeros((len(self.own), n), dtype=model.dtype)
        self._rows = [*self._blocks, *xp.zeros((levels, n), dtype=model.dtype)]
        self._whole = self._rows[0] if ranks.size == 1 else xp.zeros(n, dtype=model.dtype)
        self._exchange: Exchange | None = None
        self._correct = np.zeros(1)
        # Where pieces begin must not depend on the ranks, nor then by which kernels they are read.
        row_bytes = model.sizes[0] * np.dtype(model.dtype).itemsize
        self._gathers = model.backend.memory().is_discrete and row_bytes % ALIGNED == 0
        places = [_sums(row, P) for row in self._rows]
        total = _sums(self._whole, P)
        super().__init__(model, batches, batch_size, recipe, group, pieces, places, total)
        self._stay = self.in_order and batches.keeps_floats

    @property
    def exchange(self) -> Exchange:
        """How the ranks' sums become one; all must ask for it at once when they first do."""
        if self._exchange is None:
            parts = self.ranks, self.tree, self._blocks, self._whole
            self._exchange = open_exchange(self.backend, *parts)
        return self._exchange

    def connect(self) -> str:
        """Let the devices of all ranks meet, which all ask for at once."""
        return self.exchange.told

    def run_all(self, inputs: EpochInputs) -> None:
        """Make the updates of an epoch, all ranks together."""
        exchange = self.exchange
        try:
            self.work_as(0, inputs)
        except BaseException:
            exchange.abort()  # or a device would wait for the others for ever, and this rank for it
            raise
        self._count()

    def work_as(self, worker: int, inputs: EpochInputs) -> None:
        """Make the updates one by one; there is one worker."""
        xp, N, pause = self.xp, len(self.worker_batches[worker]), inputs.pause
        exchange, steps = self.exchange, len(inputs.losses)
        exchange.begin(_due_in(inputs, inputs.first))
        for i in range(inputs.first, steps):
            start = i * self.batch_size
            stop = min(start + self.batch_size, N)
            self._compute(inputs.order, start, stop)
            wanted = pause is not None and pause.is_due(i + 1)
            met = exchange.add_up(wanted, _due_in(inputs, i + 1))
            xp.copyto(self.lr, inputs.lrs[i : i + 1])
            self.replay("update", self._update)
            xp.copyto(inputs.losses[i : i + 1], self.total.loss.reshape(1))
            if i + 1 == steps:
                exchange.finish()
            elif met is None:
                continue  # what reads from the device would wait for ranks that may not come
            if inputs.on_step is not None:
                inputs.on_step(stop, inputs.losses[i : i + 1])
            if pause is not None and met:
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

    def _compute(self, order: Array, start: int, stop: int) -> None:
        """Write the sums of this rank's blocks of a batch, each to its row.

        A device with memory of its own gathers their images together, and captures all of it.
        """
        cuts = self._cuts(start, stop) if self._gathers else {}
        if not cuts:
            place = partial(self.accumulate, order, 0)
            self._add_up(lambda piece, row: place(piece, row, start, stop), stop - start)
            return
        batches, total = self.worker_batches[0], self._divisor(order, 0, start, stop)
        first, last = cuts[self.own[0].start][0], cuts[self.own[-1].stop - 1][1]
        if self.in_order:
            x, labels = batches.slice(first, last)
        else:
            x, labels = batches.gather(order[first:last], first)
        self.steps[0].seek(first)

        def write(piece: int, row: int) -> None:
            images = slice(cuts[piece][0] - first, cuts[piece][1] - first)
            self._add_gradient(x[images], labels[images], total, 0, row, anew=True)

        key = "pieces", first if self._stay else "copied", stop - start
        self.replay(key, partial(self._add_up, write, stop - start))

    def _cuts(self, start: int, stop: int) -> dict[int, tuple[int, int]]:
        """Return where the images of this rank's pieces of a batch begin and end, by the piece.

        Nothing where a piece is of several micro-batches, or all of them are too many to gather.
        """
        batches, cuts = self.worker_batches[0], {}
        for piece in (piece for block in self.own for piece in block):
            first, *more = batches.micro_batches(start, stop, self.parts, piece)
            if more:
                return {}
            cuts[piece] = first
        images = sum(end - begin for begin, end in cuts.values())
        fits = images <= SPAN_MICRO_BATCHES * batches.micro_batch_size
        return cuts if fits or self._stay else {}

    def _add_up(self, write: Callable[[int, int], None], images: int) -> None:
        """Add up this rank's pieces of a batch in the order of the tree.

        Args:
            write: writes the gradient of a piece to a row.
            images: of the batch, which may leave pieces without any.
        """
        spare = len(self.own)
        for place, block in enumerate(self.own):
            sums = [place, *range(spare, len(self._rows))]  # a stack: the latest that are whole
            depth = 0
            for number, piece in enumerate(block):
                if len(range(images)[share_of(images, piece, self.parts)]):
                    write(piece, sums[depth])
                else:
                    self.xp.copyto(self._rows[sums[depth]], 0.0)
                depth += 1
                for _ in range(carries(number)):
                    depth -= 1
                    left, right = self._rows[sums[depth - 1]], self._rows[sums[depth]]
                    self.xp.add(left, right, out=left)

    def _update(self) -> None:
        self.steps[0].update(self.lr)


def _due_in(inputs: EpochInputs, done: int) -> int:
    """Return after how many updates from then on a pause is due in any case, or a large number."""
    after = inputs.pause.after if inputs.pause is not None else ()
    return min((n - done for n in after if n > done), default=len(inputs.losses))


def _sums(row: Array, P: int) -> Sums:
    """Return where a row (n,) holds a loss, behind the gradient of P parameters."""
    return Sums(row[P : P + 1].reshape(1, 1), row[:P])


def _check_layers(model: MLP) -> None:
    """Refuse layers whose batches ranks cannot share."""
    if name := whole_batch_layer(model):
        raise UsageError(
            f"{name} takes all images of a batch at once, which ranks cut into pieces: train "
            "without mpiexec, or choose another layer, such as layer_norm"
        )
