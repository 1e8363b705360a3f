"""Sharing work among threads or other workers, and limiting the threads of BLAS meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")


def share_out(pool: Executor, shares: Sequence[Callable[[], Result]]) -> list[Result]:
    """Do shares of some work at once: the first in this thread, the others in the pool's.

    All have this thread's context, such as what `numpy.errstate` set.

    Returns:
        What each returned, when all are done.
    """
    others = [pool.submit(copy_context().run, share) for share in shares[1:]]
    return [shares[0](), *(other.result() for other in others)]


def share_of(count: int, rank: int, workers: int) -> slice:
    """Return which of ``count`` things, cut up evenly, the worker of this rank has."""
    return slice(count * rank // workers, count * (rank + 1) // workers)


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
