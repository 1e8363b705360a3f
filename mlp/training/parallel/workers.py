"""Lanes at work together: each in a process of its own where that is safe, else in a thread.

Threads of one Python process wait for each other's small operations, processes do not. What a
forked process changes is lost with it, except in arrays of `Crew.zeros`.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from backends import Array, Backend, on_replay
from mlp.training.parallel.processes import Forked, may_fork

LINE = 8
"""Counters that fill one line of the cache, so that two lanes never write into the same."""

PATIENCE = 4096
"""How often a lane asks for another before it looks whether that one is still there."""

WORTH_FORKING = 32
"""Meetings from which on processes are faster than threads; see bench/LOG.md."""

let_others_run: Callable[[], None] = getattr(os, "sched_yield", lambda: time.sleep(0))


def worth_forking(meetings: int) -> bool:
    """Tell whether lanes that meet so often in an epoch, about, are processes or else threads."""
    return meetings >= WORTH_FORKING and may_fork()


class _AbandonedError(Exception):
    """Another lane has failed and says why."""


class Crew:
    """As many lanes as a device has, which work at once and meet.

    Args:
        size: how many they are.
        backend: the device.

    Attributes:
        xp: the device's array namespace.
        apart: whether each lane is a process, with its own copy of all other arrays.
    """

    def __init__(self, size: int, backend: Backend) -> None:
        self.size, self.apart = size, False
        self.xp = backend.xp
        self._met = memoryview(mmap.mmap(-1, 8 * LINE * (size + 1))).cast("q")
        self._others = Forked()

    def zeros(self, shape: Any, dtype: DTypeLike) -> Array:
        """Make an array of zeros that all lanes see, on the device."""
        if self.size == 1:
            return self.xp.zeros(shape, dtype=dtype)
        count = int(np.prod(shape))
        memory = mmap.mmap(-1, max(1, count * np.dtype(dtype).itemsize))
        return np.frombuffer(memory, dtype, count).reshape(shape)

    def work(self, share: Callable[[int], None], meetings: int) -> None:
        """Let every lane k do ``share(k)``, all at once; lane 0 in this thread.

        Args:
            share: what a lane does.
            meetings: how often the lanes meet, about: for a few, processes are not worth starting.

        Raises:
            Exception: what the first lane to fail raised; the others have then stopped as well.
        """
        self.apart = self.size > 1 and worth_forking(meetings)
        if self.size == 1:
            share(0)
        elif not (self.apart and self._work_in_processes(share)):
            self.apart = False
            self._work_in_threads(share)

    def meet(self, lane: int) -> None:
        """Wait until every lane has come here as often as this one; also in a captured step."""
        if self.size > 1:
            on_replay(partial(self._meet, lane))
            self._meet(lane)

    def _meet(self, lane: int) -> None:
        """Wait, which is shorter than it takes to wake a thread: so ask again and again."""
        met = self._met
        turn = met[LINE * lane] = met[LINE * lane] + 1
        for other in range(self.size):
            asked = 0
            while met[LINE * other] < turn:
                let_others_run()
                asked += 1
                if asked % PATIENCE == 0:
                    self._look_after(other, turn)
                if met[LINE * self.size]:
                    raise _AbandonedError

    def _guarded(self, share: Callable[[int], None], lane: int) -> None:
        try:
            share(lane)
        except BaseException:
            self._met[LINE * self.size] = 1
            raise

    def _is_abandoned(self, share: Callable[[int], None]) -> bool:
        """Do lane 0's share; tell whether it stopped because another did."""
        try:
            self._guarded(share, 0)
        except _AbandonedError:
            return True
        return False

    def _forget_meetings(self) -> None:
        for lane in range(self.size + 1):
            self._met[LINE * lane] = 0

    def _work_in_threads(self, share: Callable[[int], None]) -> None:
        self._forget_meetings()
        with ThreadPoolExecutor(self.size - 1) as pool:
            try:
                others = [
                    pool.submit(copy_context().run, self._guarded, share, lane)
                    for lane in range(1, self.size)
                ]
                abandoned = self._is_abandoned(share)
                errors = [other.exception() for other in others]
            except BaseException:
                self._met[LINE * self.size] = 1  # or the pool would wait for them without end
                raise
        _raise_first(errors, abandoned)

    def _work_in_processes(self, share: Callable[[int], None]) -> bool:
        """Tell whether it was done: not where the system has too few processes left."""
        self._forget_meetings()
        try:
            try:
                self._others.start([partial(self._guarded, share, k) for k in range(1, self.size)])
            except OSError:
                return False  # and none of those that did start has got past a meeting
            abandoned = self._is_abandoned(share)
            errors = self._others.errors()
        finally:
            self._met[LINE * self.size] = 1
            self._others.end()
        _raise_first(errors, abandoned)
        return True

    def _look_after(self, other: int, turn: int) -> None:
        """Stop where a lane that has not met yet is no more."""
        lost = self.apart and self._others.is_lost(other - 1)
        if lost and self._met[LINE * other] < turn:
            raise _AbandonedError


def _raise_first(errors: Iterable[BaseException | None], abandoned: bool) -> None:
    """Raise what a lane raised by itself, if one did."""
    for error in errors:
        if error is not None and not isinstance(error, _AbandonedError):
            raise error
    if abandoned:
        raise RuntimeError("a lane of the training stopped and did not say why")
