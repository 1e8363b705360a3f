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
