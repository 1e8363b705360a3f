"""Epochs that nobody sees: a device makes them one after another while the host goes on.

Between two looks of the host nothing is brought over and nothing is waited for. The learning rates
of many epochs are on the device, which counts the epochs itself; what they leave stays there, in a
row each; and whether all is finite is judged there. Where every epoch is the same operations on the
same arrays, as with a full batch, several of them are one captured step, and one launch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array, kernel
from mlp.nn.buffers import Buffers
from mlp.training.step import averaging
from mlp.training.trainer import Trainer

MOST_AT_ONCE = 16
"""Epochs of one captured step, at most: of a short one its launch is then a sixteenth, and to run
them without a graph, as is done once, takes no more than some hundredths of a second. Not measured
yet."""


class Unseen:
    """Makes epochs that nobody sees, and keeps what they leave until the host looks.

    Args:
        trainer: of one network, on a device with memory of its own.
        finished: where the parameters after the latest finished epoch are kept, or their average
            where the recipe has one, shape (P,). An epoch in which something was not finite is not
            finished, nor is any behind it.
    """

    def __init__(self, trainer: Trainer, finished: Array) -> None:
        self._trainer, self._finished = trainer, finished
        backend, model, tables = trainer.backend, trainer.model, trainer.tables
        xp, width = backend.xp, len(tables.row)
        self._xp, self._tables, self._buffer = xp, tables, Buffers(backend, model.dtype)
        self._rows = xp.zeros((tables.most, width), dtype=model.dtype)
        self._lost = xp.zeros(1, dtype=model.dtype)  # 0, or NaN once something was not finite
        # The row of the next epoch, and of its learning rates, on the device and on the host.
        self._places = backend.asarray(np.arange(tables.most)[:, None])  # (most, 1)
        self._place, self._at = xp.zeros(1, dtype="int64"), 0
        self._unread = range(0)
        self._lr = xp.zeros((1, 1), dtype=model.dtype)
        self._zeros = xp.zeros((1, width), dtype=model.dtype)
        self._end = backend.fuse(self.end_epoch)
        average = trainer.recipe.average
        # The weight of a mean over the ends of epochs is another one in each.
        by_epoch = average is not None and averaging(average).of_epoch is not None
        self._repeats = trainer.executor.repeats and not by_epoch
        self.captured: dict[int, Callable[[], Any]] = {}

    def make(self, number: int, count: int) -> Iterator[int]:
        """Give the device the work of epochs.

        Args:
            number: the first of them, from 0.
            count: how many, at most: fewer where there are no learning rates yet for all of them.

        Yields:
            How many epochs of the run are finished then, after each launch.
        """
        if count < 1:
            return
        self._tables.lrs_of(number, self._trainer.lr_factor)  # are there from now on
        end = number + min(count, self._tables.room(number))
        self._seek(number)
        first = self._at
        while number < end:
            made = self._make_several(end - number) if self._repeats else self._make_one(number)
            self._at, number = self._at + made, number + made
            self._unread = range(first, self._at)
            yield number

    def keep(self) -> None:
        """Keep the parameters after an epoch that was seen, which is counted here as well."""
        self._seek(self._trainer.number)
        self._note(self._trainer.model.parameters)
        self._at += 1

    def look(self) -> NDArray[Any]:
        """Read what epochs left that were made since the last call, and wait for it if any were.

        Returns:
            A row each, in order: the losses of its updates, and behind them 0 if all parameters
            were finite, shape (epochs, steps + 1).
        """
        rows, self._unread = self._unread, range(0)
        if not rows:
            return np.empty((0, len(self._tables.row)))
        return self._trainer.backend.to_numpy(self._rows[rows.start : rows.stop])

    def _seek(self, number: int) -> None:
        """Let the device know which epoch comes, where it is not the next one of these."""
        at = number - self._tables.first
        if at != self._at:
            self._xp.copyto(self._place, self._places[at])
            self._at = at

    def _make_one(self, number: int) -> int:
        self._trainer.begin(number)
        self._trainer.average_epoch(number + 1)
        self._note(self._trainer.result())
        return 1

    def _make_several(self, most: int) -> int:
        """Make so many epochs, or the largest power of two below, and return how many."""
        count = 1 << (min(most, MOST_AT_ONCE).bit_length() - 1)
        if count not in self.captured:
            self.captured[count] = self._trainer.backend.capture(partial(self._repeat, count))
        self.captured[count]()
        return count

    def _repeat(self, count: int) -> None:
        """Make epochs that are the same operations each: what a captured step holds."""
        trainer, tables = self._trainer, self._tables
        for _ in range(count):
            self._xp.take(tables.lrs, self._place, axis=0, out=self._lr)  # (1, 1)
            loss = tables.losses.reshape(1, 1)
            trainer.executor.whole_epoch(trainer.order, self._lr.reshape(1), loss)
            trainer.check()
            self._note(trainer.result())

    def _note(self, values: Array) -> None:
        row, rows = self._tables.row, self._rows
        self._end(values, self._finished, row, self._lost, rows, self._place)

    @kernel("end_epoch")
    def end_epoch(
        self,
        xp: Any,
        values: Array,
        finished: Array,
        row: Array,
        lost: Array,
        rows: Array,
        place: Array,
    ) -> None:
        """Note an epoch's row, and keep the values as long as all rows were finite.

        lost += Σ 0 · row; finished = values if lost = 0; rows[place] = row; place += 1.

        Args:
            xp: the namespace.
            values: what is to be kept, shape (P,).
            finished: where it is kept, shape (P,).
            row: what the epoch left, shape (W,).
            lost: shape (1,).
            rows: of all epochs, shape (E, W).
            place: int64, shape (1,).
        """
        W, E, buffer = len(row), len(rows), self._buffer
        total, sound = buffer("sum", 1, 1), buffer("sound", 1, dtype="bool")
        xp.matmul(self._zeros, row.reshape(W, 1), out=total)
        xp.add(lost, total.reshape(1), out=lost)
        xp.equal(lost, 0.0, out=sound)
        xp.copyto(finished, values, where=sound)
        here = buffer("here", E, 1, dtype="bool")
        xp.equal(self._places, place, out=here)
        xp.copyto(rows, row, where=here)
        xp.add(place, 1, out=place)
