"""How many threads BLAS multiplies matrices with, set for a while and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Let BLAS use so many threads inside the block, and as many as before after it."""
    with _controller().limit(limits=count, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    """Find the BLAS libraries in this process, which takes a millisecond."""
    return ThreadpoolController()


def blas_library() -> str:
    """Name NumPy's BLAS with its version and threads, such as ``"openblas 0.3.31, 2 threads"``."""
    for library in _controller().select(user_api="blas").info():
        threads = library["num_threads"]
        return (
            f"{library['internal_api']} {library['version'] or 'of unknown version'}, "
            f"{threads} thread{'s' if threads > 1 else ''}"
        )
    return "an unknown BLAS"
