"""Ranks that are threads of this process, for tests of what ranks do, whatever connects them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlp.common.threads import blas_threads
from mlp.training.ranks.ranks import Ranks, Value, add_up
from mlp.training.ranks.tree import Tree

Result = TypeVar("Result")

SECONDS = 60.0
"""A rank that does not come is a failure of the test, and no reason to wait for ever."""


class AbortedError(Exception):
    """A rank has ended all."""


class ThreadRanks(Ranks):
    """One of several ranks."""

    launched = True

    def __init__(self, rank: int, size: int, meeting: Barrier, slots: list[Any]) -> None:
        self.rank, self.size, self._meeting, self._slots = rank, size, meeting, slots

    def all_gather(self, value: Value) -> list[Value]:
        self._slots[self.rank] = value
        self._meeting.wait(SECONDS)
        found = list(self._slots)
        self._meeting.wait(SECONDS)
        return found

    def broadcast(self, value: Value) -> Value:
        return self.all_gather(value)[0]

    def all_reduce(self, blocks: NDArray[Any], tree: Tree, out: NDArray[Any]) -> None:
        every = np.concatenate(self.all_gather(blocks.copy()))
        add_up(every, tree)
        np.copyto(out, every[0])

    def wait(self, is_done: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not is_done():
            if self._meeting.broken or time.monotonic() > end:
                raise BrokenBarrierError
            time.sleep(0.001)

    def abort(self, sentence: str, exit_code: int) -> NoReturn:
        self._meeting.abort()
        raise AbortedError(sentence, exit_code)


def run_ranks(size: int, work: Callable[[Ranks], Result]) -> list[Result]:
    """Let so many ranks do something at once; return what each returned."""
    meeting, slots = Barrier(size), [None] * size

    def guarded(rank: int) -> Result:
        try:
            return work(ThreadRanks(rank, size, meeting, slots))
        except BaseException:
            meeting.abort()
            raise

    # All threads set as many threads of BLAS: what they put back in any order is the same.
    with blas_threads(1), ThreadPoolExecutor(size) as pool:
        done = [pool.submit(guarded, rank) for rank in range(size)]
        errors = [future.exception() for future in done]
    told = [error for error in errors if error is not None]
    for error in sorted(told, key=lambda error: isinstance(error, RuntimeError)):
        raise error  # rather one's own than that another had left
    return [future.result() for future in done]
