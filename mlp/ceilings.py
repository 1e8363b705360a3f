"""The most that a device does: large matrix products and large copies, measured there and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from backends import Backend

LEAST_SECONDS = 0.02
"""No timing is shorter: shorter calls are repeated until they take this long."""

TIMINGS = 7
"""The best of so many is the ceiling."""

SMALLEST_PRODUCT, LARGEST_PRODUCT = 512, 16_384
"""Rows and columns of the products that are tried; a power of two apart."""

COPY_BYTES = 256 << 20
"""What is copied: more than a cache holds."""

MEMORY_SHARE = 8
"""No array is larger than one part in so many of the free memory."""


@dataclass(frozen=True)
class Ceiling:
    """What a device reaches at best.

    Attributes:
        flop_per_second: in the product of two large square matrices; a multiplication and the
            addition of its result count as two.
        bytes_per_second: in a large copy; what is read and what is written both count.
    """

    flop_per_second: float
    bytes_per_second: float


def measure_ceiling(backend: Backend, dtype: str) -> Ceiling:
    """Measure a device's ceilings, which takes about a second.

    Args:
        backend: the device.
        dtype: of the matrices, ``"float32"`` or ``"float64"``.
    """
    backend.asarray(np.zeros(1))  # makes it the device that this thread computes on
    return Ceiling(_products(backend, dtype), _copies(backend))


def _products(backend: Backend, dtype: str) -> float:
    """Multiply ever larger matrices, until one product takes long enough; the last one counts."""
    xp, n, rng = backend.xp, SMALLEST_PRODUCT, np.random.default_rng(0)
    room = backend.memory().free // MEMORY_SHARE
    while True:
        a = backend.asarray(rng.random((n, n), np.float32), dtype)  # (n, n)
        out = xp.empty((n, n), dtype=dtype)  # (n, n)
        multiply = partial(xp.matmul, a, a, out=out)
        multiply()  # the first product of a size also sets the library up for it
        larger = (2 * n) ** 2 * np.dtype(dtype).itemsize
        if _seconds(backend, multiply, 1) >= LEAST_SECONDS or n == LARGEST_PRODUCT or larger > room:
            return 2 * n**3 / _best(backend, multiply)
        n *= 2


def _copies(backend: Backend) -> float:
    """Copy on as many threads as the device is worked on with."""
    xp, memory = backend.xp, backend.memory()
    size = min(COPY_BYTES, memory.free // MEMORY_SHARE) // 4
    source, target = (xp.empty(size, dtype="float32") for _ in range(2))  # (size,)
    xp.copyto(source, 1.0)  # pages that were never written to would be read from nowhere
    if memory.lanes == 1:
        return 8 * size / _best(backend, partial(xp.copyto, target, source))
    share = -(-size // memory.lanes)
    parts = [slice(start, start + share) for start in range(0, size, share)]
    with ThreadPoolExecutor(memory.lanes) as pool:

        def copy() -> None:
            wait([pool.submit(xp.copyto, target[part], source[part]) for part in parts])

        return 8 * size / _best(backend, copy)


def _best(backend: Backend, call: Callable[[], Any]) -> float:
    """Return the seconds of one call, the best of several timings."""
    count = 1
    while (first := _seconds(backend, call, count)) < LEAST_SECONDS:
        count *= 2
    return min(first, *(_seconds(backend, call, count) for _ in range(TIMINGS))) / count


def _seconds(backend: Backend, call: Callable[[], Any], count: int) -> float:
    backend.synchronize()
    start = time.perf_counter()
    for _ in range(count):
        call()
    backend.synchronize()
    return time.perf_counter() - start
