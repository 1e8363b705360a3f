"""The barrier of a worker group: poll for a moment, then sleep until the kernel wakes one up."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable
from ctypes import c_int32

import numpy as np
from numpy.typing import NDArray

from mlp.common.linux import sleep_while, wake

LINE = 16
"""Counters that fill one line of the cache, so that two workers never write into the same."""

ASLEEP = 1
"""Where in a worker's line stands whether it sleeps."""

POLLS = 1500
"""How often a process asks for another's counter before it sleeps: some 100 µs, which
covers most waits on a quiet machine; see bench/LOG.md. A thread, which would hold Python's lock
meanwhile, asks once."""

COMPILED_POLLS = 3000
"""The same of a compiled step, which holds no lock, whatever the workers are."""

PATIENCE = 0.002
"""Seconds of sleep after which a worker looks whether the others still run."""

let_others_run: Callable[[], None] = getattr(os, "sched_yield", lambda: time.sleep(0))


class AbandonedError(Exception):
    """Another worker has failed: that one raises the cause."""


class Barrier:
    """Where each worker waits until all have come, in memory that they share.

    Args:
        size: the most workers.
    """

    def __init__(self, size: int) -> None:
        self._size = self._count = size
        # For each worker how many barriers it has reached; then whether one has failed.
        memory = mmap.mmap(-1, 4 * LINE * (size + 1))
        self._lines = np.frombuffer(memory, np.int32).reshape(-1, LINE)
        self._arrived = memoryview(memory).cast("i")
        self._words = [c_int32.from_buffer(memory, 4 * LINE * rank) for rank in range(size)]

    def reset(self, count: int) -> None:
        """Begin anew for so many workers, while none is here."""
        self._count = count
        for rank in range(self._size):
            self._arrived[LINE * rank] = self._arrived[LINE * rank + ASLEEP] = 0
        self._arrived[LINE * self._size] = 0

    def abandon(self) -> None:
        """Let all who wait, now or later, raise an `AbandonedError`."""
        self._arrived[LINE * self._size] = 1

    def counters(self) -> NDArray[np.int32]:
        """The counters of those that take part, (workers, LINE), as `backends.tape.Wait` has them."""
        return self._lines[: self._count]

    def wait(self, rank: int, polls: int, is_lost: Callable[[int], bool]) -> None:
        """Wait until every worker has come as often as this one.

        Args:
            rank: which worker this is.
            polls: how often to ask for a counter before sleeping.
            is_lost: tells of another worker whether it has ended.

        Raises:
            AbandonedError: if another worker has failed or ended.
        """
        self._arrived[LINE * rank] += 1
        self.finish(rank, polls, is_lost)

    def finish(self, rank: int, polls: int, is_lost: Callable[[int], bool]) -> None:
        """Wait, as `wait` does, once it is counted that this worker has come."""
        arrived, ranks = self._arrived, range(self._count)
        turn = arrived[LINE * rank]
        for other in ranks:
            if arrived[LINE * other + ASLEEP]:
                wake(self._words[rank])
                break
        for other in ranks:
            for _ in range(polls):
                if arrived[LINE * other] >= turn:
                    break
            else:
                self._sleep(rank, other, turn, is_lost)

    def _sleep(self, rank: int, other: int, turn: int, is_lost: Callable[[int], bool]) -> None:
        """Sleep until another worker has come.

        It may have looked whether this one sleeps just before this one said so, and wakes nobody:
        the sleep has an end.
        """
        arrived = self._arrived
        arrived[LINE * rank + ASLEEP], lost = 1, False
        while (seen := arrived[LINE * other]) < turn:
            if lost or arrived[LINE * self._size]:
                raise AbandonedError
            if not sleep_while(self._words[other], seen, PATIENCE):
                let_others_run()
            lost = arrived[LINE * other] < turn and is_lost(other)
        arrived[LINE * rank + ASLEEP] = 0
