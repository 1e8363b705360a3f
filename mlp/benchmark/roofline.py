"""The most that a device does: large matrix products and large copies, measured there and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from backends import Backend
from mlp.common.threads import blas_threads

Run = Callable[[Sequence[Callable[[], Any]]], None]
"""Makes calls at once."""

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
        flop_per_second: in products of large square matrices; a multiplication and the
            addition of its result count as two.
        bytes_per_second: in a large copy; what is read and what is written both count.
    """

    flop_per_second: float
    bytes_per_second: float


def measure_ceiling(backend: Backend, dtype: str) -> Ceiling:
    """Measure a device's ceilings, which takes about a second.

    Where the device is worked on from several threads, each has a product and a part of the copy of
    its own: BLAS's threads, which wait for each other, suffer more where other processes run.

    Args:
        backend: the device.
        dtype: of the matrices, ``"float32"`` or ``"float64"``.
    """
    backend.asarray(np.zeros(1))  # makes it the device that this thread computes on
    lanes = backend.memory().workers
    with ThreadPoolExecutor(lanes) as pool, blas_threads(1):
        side_by_side = partial(_run, pool)
        return Ceiling(
            _products(backend, dtype, lanes, side_by_side), _copies(backend, lanes, side_by_side)
        )


def _products(backend: Backend, dtype: str, lanes: int, run: Run) -> float:
    """Multiply ever larger matrices, until that takes long enough; the last ones count."""
    xp, n, rng = backend.xp, SMALLEST_PRODUCT, np.random.default_rng(0)
    room = backend.memory().free // MEMORY_SHARE
    while True:
        a = backend.asarray(rng.random((n, n), np.float32), dtype)  # (n, n)
        outs = [xp.empty((n, n), dtype=dtype) for _ in range(lanes)]  # (n, n)
        multiply = partial(run, [partial(xp.matmul, a, a, out=out) for out in outs])
        multiply()  # the first product of a size also sets the library up for it
        larger = lanes * (2 * n) ** 2 * np.dtype(dtype).itemsize
        if _seconds(backend, multiply, 1) >= LEAST_SECONDS or n == LARGEST_PRODUCT or larger > room:
            return 2 * n**3 * lanes / _best(backend, multiply)
        n *= 2


def _copies(backend: Backend, lanes: int, run: Run) -> float:
    """Copy more than a cache holds."""
    xp = backend.xp
    size = min(COPY_BYTES, backend.memory().free // MEMORY_SHARE) // 4
    source, target = (xp.empty(size, dtype="float32") for _ in range(2))  # (size,)
    xp.copyto(source, 1.0)  # pages that were never written to would be read from nowhere
    share = -(-size // lanes)
    parts = [slice(start, start + share) for start in range(0, size, share)]
    copy = partial(run, [partial(xp.copyto, target[part], source[part]) for part in parts])
    return 8 * size / _best(backend, copy)


def _run(pool: ThreadPoolExecutor, calls: Sequence[Callable[[], Any]]) -> None:
    """Make the calls at once, the first of them in this thread."""
    others = [pool.submit(call) for call in calls[1:]]
    calls[0]()
    wait(others)


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
