"""Sharing work among threads, and limiting the threads of BLAS meanwhile."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from typing import Any, TypeVar, cast

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

Result = TypeVar("Result")

let_others_run: Callable[[], None] = getattr(os, "sched_yield", lambda: time.sleep(0))
"""Give the core to whoever wants it, for a moment."""

ROOM = 128 << 20
"""Bytes of addresses that the C library takes to find a new thread a place of its own."""

ROOM_EACH = 80 << 20
"""Bytes of addresses that a thread then keeps: its stack and that place."""


def has_room(threads: int) -> bool:
    """Tell whether a limit on addresses, ``ulimit -v``, leaves room for so many threads.

    A thread that finds no memory before its first line never says that it has started, and Python
    waits for that for ever.
    """
    if resource is not None and resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        try:
            mmap.mmap(-1, ROOM + threads * ROOM_EACH).close()
        except OSError:
            return False
    return True


def start_pool(threads: int) -> Executor:
    """Make a pool of threads; one that does everything at once in this one without room for them.

    So what is submitted to it must not wait for what is submitted later.
    """
    return ThreadPoolExecutor(threads) if has_room(threads) else _Here()


class _Here(Executor):
    """Runs what is submitted before it returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done


def share_out(pool: Executor, shares: Sequence[Callable[[], Result]]) -> list[Result]:
    """Do shares of some work at once: the first in this thread, the others in the pool's.

    All have this thread's context, such as what `numpy.errstate` set.

    Returns:
        What each returned, when all are done.
    """
    others = [pool.submit(copy_context().run, share) for share in shares[1:]]
    return [shares[0](), *(other.result() for other in others)]


def ahead(pool: Executor, items: Iterable[Result]) -> Iterator[Result]:
    """Go through items, of which the next is made in a thread of the pool while one is in use.

    A fault in making one is raised where that one would come. Where making them goes ahead in the
    same pool, that has a thread for each.
    """
    source = iter(items)
    end = object()
    item = next(source, end)
    while item is not end:
        coming = pool.submit(next, source, end)
        yield cast(Result, item)
        item = coming.result()


def share_of(count: int, number: int, shares: int) -> slice:
    """Return which of ``count`` things, cut up evenly, are in the share of this number, from 0."""
    return slice(count * number // shares, count * (number + 1) // shares)


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Let BLAS use so many threads inside the block, and as many as before after it.

    Where threadpoolctl is missing, BLAS goes on with as many as it started with.
    """
    controller = _controller()
    if controller is None:
        yield
        return
    with controller.limit(limits=count, user_api="blas"):
        yield


@cache
def _controller() -> Any:
    """Find the BLAS libraries in this process, which takes a millisecond.

    Returns:
        What sets their threads; None where threadpoolctl, which finds them, is missing.
    """
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:  # a dependency, but a machine without network may lack it
        return None
    return ThreadpoolController()


def blas_library() -> str:
    """Name NumPy's BLAS with its version, the processor that its kernels are for, and its threads.

    Such as ``"openblas 0.3.31 for SkylakeX, 2 threads"``.
    """
    controller = _controller()
    for library in () if controller is None else controller.select(user_api="blas").info():
        threads, processor = library["num_threads"], library.get("architecture")
        return (
            f"{library['internal_api']} {library['version'] or 'of unknown version'}"
            f"{f' for {processor}' if processor else ''}, "
            f"{threads} thread{'s' if threads > 1 else ''}"
        )
    return "an unknown BLAS"
