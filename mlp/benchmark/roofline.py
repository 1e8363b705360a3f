"""The roofline of a device: its peak FLOP/s and its memory bandwidth, as measured here and now.

An epoch cannot be quicker than its matrix products at the peak, nor than its bytes at the bandwidth
(Williams, Waterman and Patterson, "Roofline: an insightful visual performance model", 2009).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from backends import Backend
from mlp.benchmark.timing import calls_lasting, seconds_per_call
from mlp.common.threads import blas_threads

Run = Callable[[Sequence[Callable[[], Any]]], None]
"""Makes several calls at the same time, and returns when all are done."""

LEAST_SECONDS = 0.02
"""No timing is shorter: shorter calls are repeated until they take this long."""

TIMINGS = 8
"""The fastest of so many counts."""

SMALLEST_PRODUCT, LARGEST_PRODUCT = 512, 16_384
"""Rows and columns of the square matrices that are tried, each twice the one before."""

COPY_BYTES = 256 << 20
"""Size of the array that is copied: more than a cache holds."""

MEMORY_PART = 8
"""No array takes more than this part of the free memory: an eighth."""


@dataclass(frozen=True)
class Roofline:
    """What a device reaches at best.

    Attributes:
        flop_per_second: in products of large square matrices; a multiplication and the
            addition of its result count as two.
        bytes_per_second: in a large copy; bytes read and bytes written both count.
    """

    flop_per_second: float
    bytes_per_second: float

    def least_seconds(self, flop: float, moved: float) -> float:
        """Return the time that so many operations, and so many bytes moved, take at the least."""
        return max(flop / self.flop_per_second, moved / self.bytes_per_second)


def measure_roofline(backend: Backend, dtype: str) -> Roofline:
    """Measure a device's roofline, which takes about a second.

    Where several threads work on a device, each multiplies matrices of its own and copies its own
    part of the array. BLAS's own threads would wait for each other, and lose more time than these
    where other processes run.

    Args:
        backend: the device.
        dtype: of the matrices, ``"float32"`` or ``"float64"``.
    """
    backend.asarray(np.zeros(1))  # makes it the device that this thread computes on
    threads = backend.memory().workers
    with ThreadPoolExecutor(threads) as pool, blas_threads(1):
        run = partial(_run, pool)
        return Roofline(_products(backend, dtype, threads, run), _copies(backend, threads, run))


def _products(backend: Backend, dtype: str, threads: int, run: Run) -> float:
    """Multiply ever larger matrices until a product takes long enough; return its FLOP/s."""
    xp, n, rng = backend.xp, SMALLEST_PRODUCT, np.random.default_rng(0)
    room = backend.memory().free // MEMORY_PART
    while True:
        a = backend.asarray(rng.random((n, n), np.float32), dtype)  # (n, n)
        outs = [xp.empty((n, n), dtype=dtype) for _ in range(threads)]  # (n, n)
        multiply = partial(run, [partial(xp.matmul, a, a, out=out) for out in outs])
        multiply()  # the first product of a size also sets the library up for it
        larger = threads * (2 * n) ** 2 * np.dtype(dtype).itemsize
        is_long = seconds_per_call(multiply, backend.synchronize) >= LEAST_SECONDS
        if is_long or n == LARGEST_PRODUCT or larger > room:
            return 2 * n**3 * threads / _best_seconds(backend, multiply)
        n *= 2


def _copies(backend: Backend, threads: int, run: Run) -> float:
    """Copy an array that no cache holds; return the bytes moved per second."""
    xp = backend.xp
    size = min(COPY_BYTES, backend.memory().free // MEMORY_PART) // 4
    source, target = (xp.empty(size, dtype="float32") for _ in range(2))  # (size,)
    xp.copyto(source, 1.0)  # pages that were never written to would be read from nowhere
    length = -(-size // threads)
    parts = [slice(start, start + length) for start in range(0, size, length)]
    copy = partial(run, [partial(xp.copyto, target[part], source[part]) for part in parts])
    return 8 * size / _best_seconds(backend, copy)


def _run(pool: ThreadPoolExecutor, calls: Sequence[Callable[[], Any]]) -> None:
    """Make the calls at the same time, the first of them in this thread."""
    others = [pool.submit(call) for call in calls[1:]]
    calls[0]()
    wait(others)


def _best_seconds(backend: Backend, call: Callable[[], Any]) -> float:
    calls = calls_lasting(LEAST_SECONDS, call, backend.synchronize)
    return min(seconds_per_call(call, backend.synchronize, calls) for _ in range(TIMINGS))
