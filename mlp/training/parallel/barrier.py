"""The barrier of a worker group: look for a moment, then sleep until another wakes one up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Condition

import numpy as np

from backends import Wait, compiled

LINE = 16
"""Counters that fill one line of the cache, so that two workers never write into the same."""

ASLEEP = 1
"""Where in a worker's line stands whether it sleeps."""

POLLS = 3000
"""How often a compiled step, which does not hold Python's lock, looks at another's counter before
it sleeps: some 100 µs, which covers most waits on a quiet machine; see bench/LOG.md."""

PATIENCE = 0.002
"""Seconds of sleep after which a worker looks by itself whether the others have come."""


class AbandonedError(Exception):
    """Another worker has failed: that one raises the cause."""


class Barrier:
    """Where each worker waits until all have come.

    Args:
        size: the most workers.
    """

    def __init__(self, size: int) -> None:
        self._count = size
        # For each worker how many barriers it has reached, and whether it sleeps: as `Wait` has it.
        self._lines = np.zeros((size, LINE), np.int32)
        self._words = self._lines.reshape(-1).data  # ten times as fast from Python
        self._changed, self._abandoned = Condition(), False
        self._waits: list[Callable[[], None]] = []
        self.reset(size)

    def reset(self, count: int) -> None:
        """Begin anew for so many workers, while none is here."""
        self._lines[:], self._abandoned = 0, False
        if self._count != count or not self._waits:
            self._count = count
            self._waits = [compiled([self.wait_of(worker)])[0] for worker in range(count)]

    def abandon(self) -> None:
        """Let all who wait, now or later, raise an `AbandonedError`."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def wait(self, worker: int) -> None:
        """Wait until every worker has come as often as this one.

        Raises:
            AbandonedError: if another worker has failed.
        """
        self._waits[worker]()

    def wait_of(self, worker: int) -> Wait:
        """Return what a replayed step does in place of `wait`."""
        lines = self._lines[: self._count]
        return Wait(
            lines, worker, POLLS, partial(self._begin, worker), partial(self._finish, worker)
        )

    def _begin(self, worker: int) -> None:
        self._words[LINE * worker] += 1
        self._finish(worker)

    def _finish(self, worker: int) -> None:
        """Wake those that sleep, and sleep until all have come: this one is counted already."""
        words, lines = self._words, range(0, LINE * self._count, LINE)
        turn = words[LINE * worker]
        if any(words[line + ASLEEP] for line in lines):
            with self._changed:
                self._changed.notify_all()
        if all(words[line] >= turn for line in lines):
            return
        words[LINE * worker + ASLEEP] = 1
        with self._changed:
            # Another may have looked whether this one sleeps just before this one said so, and
            # wakes nobody: each sleep has an end.
            while not all(words[line] >= turn for line in lines):
                if self._abandoned:
                    raise AbandonedError
                self._changed.wait(PATIENCE)
        words[LINE * worker + ASLEEP] = 0
