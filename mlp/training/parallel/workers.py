"""A group of workers that run one function at once and wait for each other at barriers.

Each worker but the first is a thread. Threads take turns at Python's interpreter lock, which
compiled steps do not hold, nor do NumPy's loops over many numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from backends import on_replay
from mlp.common.threads import has_room
from mlp.training.parallel.barrier import AbandonedError, Barrier

Target = Callable[[int], None]
"""What each worker runs, given its number."""


class WorkerGroup:
    """Workers with the numbers 0 to size - 1; the first is the calling thread.

    Args:
        size: the number of workers.

    Attributes:
        count: how many of them, the first ones, take part in the next runs.
    """

    def __init__(self, size: int) -> None:
        self.size = self.count = size
        self._barrier = Barrier(size)

    def run(self, target: Target) -> None:
        """Let `count` workers run ``target(worker)``, all at once; one does so in this thread.

        Where the system has no room for others, or starts no more threads, `count` becomes 1.

        Raises:
            Exception: the one that the first worker to fail raised; the others have stopped, too.
        """
        others = self.count - 1
        if not others or not has_room(others) or not self._run_together(target):
            self.count = 1
            target(0)

    def barrier(self, worker: int) -> None:
        """Wait until all that take part have come here; also when a step is replayed."""
        if self.count > 1:
            on_replay(self._barrier.wait_of(worker))
            self._barrier.wait(worker)

    def _run_together(self, target: Target) -> bool:
        """Run all workers; False, before any has begun, if not enough threads can be started."""
        self._barrier.reset(self.count)
        with ThreadPoolExecutor(self.count - 1) as pool:
            try:
                try:
                    others = [
                        pool.submit(copy_context().run, self._guarded, target, worker)
                        for worker in range(1, self.count)
                    ]
                except RuntimeError:
                    self._barrier.abandon()
                    return False
                abandoned = self._run_first(target)
                errors = [other.exception() for other in others]
            except BaseException:
                self._barrier.abandon()  # or the pool would wait for the others for ever
                raise
        for error in errors:
            if error is not None and not isinstance(error, AbandonedError):
                raise error
        assert not abandoned, "a worker stopped and raised nothing"
        return True

    def _guarded(self, target: Target, worker: int) -> None:
        try:
            self._barrier.wait(worker)  # all have started
            target(worker)
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
