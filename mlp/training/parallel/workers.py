"""A group of workers that run one function at once and wait for each other at barriers.

Each worker but the first is a forked process where that is safe, else a thread. Threads compete for
Python's interpreter lock, processes do not. What a forked process writes is lost when it ends,
except in arrays of `WorkerGroup.zeros`.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from backends import Array, Backend, Wait, on_replay
from mlp.common.threads import has_room
from mlp.training.parallel.barrier import COMPILED_POLLS, POLLS, AbandonedError, Barrier
from mlp.training.parallel.processes import AGAIN, Processes, may_fork

WORTH_FORKING = 32
"""From so many barriers an epoch on, processes are faster than threads; see bench/LOG.md."""

Target = Callable[[int], None]
"""What each worker runs, given its rank."""


class WorkerGroup:
    """Workers with the ranks 0 to size - 1; the first is the calling thread.

    Args:
        size: the number of workers.
        backend: the device.

    Attributes:
        count: how many of them, the first ones, take part in the next runs.
        xp: the device's array namespace.
        in_processes: whether each worker is a process, with its own copy of all other arrays.
    """

    def __init__(self, size: int, backend: Backend) -> None:
        self.size, self.count, self.in_processes = size, size, False
        self.xp = backend.xp
        self._barrier = Barrier(size)
        self._others = Processes()

    def zeros(self, shape: Any, dtype: DTypeLike) -> Array:
        """Make an array of zeros that all workers see: of several, in the host's shared memory."""
        if self.size == 1:
            return self.xp.zeros(shape, dtype=dtype)
        count = int(np.prod(shape))
        memory = mmap.mmap(-1, max(1, count * np.dtype(dtype).itemsize))
        return np.frombuffer(memory, dtype, count).reshape(shape)

    def shared_ints(self, count: int) -> memoryview:
        """Make integers of 0 in host memory that all workers share."""
        return memoryview(mmap.mmap(-1, 8 * count)).cast("q")

    def run(self, target: Target, barriers: int) -> None:
        """Let `count` workers run ``target(rank)``, all at once; one does so in this thread.

        Where ``ulimit -v`` leaves no room for others, `count` becomes 1.

        Args:
            target: what each worker calls, with its rank.
            barriers: about how many it passes: for a few, forking does not pay.

        Raises:
            Exception: the one that the first worker to fail raised; the others have stopped, too.
        """
        self.in_processes = self.count > 1 and barriers >= WORTH_FORKING and may_fork()
        if self.in_processes and self._run_in_processes(target):
            return
        self.in_processes = False
        if not has_room(self.count - 1):
            self.count = 1
        if self.count == 1:
            target(0)
        else:
            self._run_in_threads(target)

    def barrier(self, rank: int) -> None:
        """Wait until all that take part have come here; also when a step is replayed."""
        if self.count > 1:
            begin, finish = partial(self._wait, rank), partial(self._finish, rank)
            on_replay(Wait(self._barrier.counters(), rank, COMPILED_POLLS, begin, finish))
            self._wait(rank)

    def _wait(self, rank: int) -> None:
        self._barrier.wait(rank, POLLS if self.in_processes else 1, self._is_lost)

    def _finish(self, rank: int) -> None:
        self._barrier.finish(rank, 1, self._is_lost)

    def _is_lost(self, rank: int) -> bool:
        return self.in_processes and self._others.is_lost(rank - 1)

    def _guarded(self, target: Target, rank: int) -> None:
        try:
            target(rank)
        except BaseException:
            self._barrier.abandon()
            raise

    def _run_first(self, target: Target) -> bool:
        """Run the first worker's part; tell whether it was abandoned, as another worker failed."""
        try:
            self._guarded(target, 0)
        except AbandonedError:
            return True
        return False

    def _run_in_threads(self, target: Target) -> None:
        self._barrier.reset(self.count)
        with ThreadPoolExecutor(self.count - 1) as pool:
            try:
                others = [
                    pool.submit(copy_context().run, self._guarded, target, rank)
                    for rank in range(1, self.count)
                ]
                abandoned = self._run_first(target)
                errors = [other.exception() for other in others]
            except BaseException:
                self._barrier.abandon()  # or the pool would wait for the others for ever
                raise
        _raise_first(errors, abandoned)

    def _run_in_processes(self, target: Target) -> bool:
        """Run in processes; False if the system cannot fork enough of them."""
        self._barrier.reset(self.count)
        others = [partial(self._guarded, target, rank) for rank in range(1, self.count)]
        try:
            try:
                self._others.start(others)
            except OSError:
                return False  # none of those that did start has passed a barrier
            abandoned = self._run_first(target)
            errors = self._others.errors()
        finally:
            self._barrier.abandon()
            self._others.end()
        _raise_first(errors, abandoned)
        return True


def _raise_first(errors: Iterable[BaseException | None], abandoned: bool) -> None:
    """Raise the exception of a worker that failed by itself, if there is one."""
    for error in errors:
        if error is not None and not isinstance(error, AbandonedError):
            raise error
    if abandoned:
        raise RuntimeError(f"a worker of the training stopped and did not say why; {AGAIN}")
