"""What a device can do at its best: copies, calls, graph nodes and products of matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from backends import PRECISIONS, Backend, get_backend
from bench.gpu_work import CLASSES, PIXELS, Work

Timed = Callable[..., float]
"""Called with a name, what to call, and the operations or the bytes moved; returns seconds."""

NODES = 100
"""Nodes of the graph that the cost of one is measured with."""


@dataclass(frozen=True)
class Ceilings:
    """What the device reached: bytes moved a second, and operations a second by precision."""

    bandwidth: float
    flops: dict[str, float]

    def floor(self, work: Work, precision: str) -> float:
        """Return the seconds that an epoch needs at least: to compute, or to move the bytes."""
        return max(work.flop / self.flops[precision], work.bytes / self.bandwidth)


def measure_ceilings(backend: Backend, size: int, width: int, timed: Timed) -> Ceilings:
    """Measure a copy, the cost of a launch and of a graph's node, and the largest products.

    Args:
        backend: the device.
        size: bytes of the array that is copied.
        width: rows and columns of the matrices that are multiplied.
        timed: how to time.
    """
    xp = backend.xp
    source, target = (xp.zeros(size, dtype="uint8") for _ in range(2))
    moved = 2 * size  # read and written
    bandwidth = moved / timed("copy", partial(xp.copyto, target, source), moved=moved)
    one, other = (xp.zeros(1, dtype="float32") for _ in range(2))
    timed("one launch", partial(xp.copyto, one, other))

    def launches() -> None:
        for _ in range(NODES):
            xp.copyto(one, other)

    nodes = backend.capture(launches)
    for _ in range(2):
        nodes()
    timed(f"a graph of {NODES} nodes", nodes)
    flops = {}
    for precision in PRECISIONS if backend.name != "cpu" else ("float32",):
        precise = get_backend(backend.name, precision=precision)
        a, b, c = (precise.xp.ones((width, width), dtype="float32") for _ in range(3))
        flop = 2.0 * width**3
        product = partial(precise.xp.matmul, a, b, out=c)
        flops[precision] = flop / timed(f"square product, {precision}", product, flop=flop)
    return Ceilings(bandwidth, flops)


def time_products(works: Sequence[Work], xp: Any, timed: Timed) -> None:
    """Time the products and the column sums of each layer of each network."""
    for work in works:
        N = work.images
        for inputs, outputs in pairwise((PIXELS, *work.hidden, CLASSES)):
            layer = f"{work.network}, {inputs}-{outputs}"
            x, y = xp.zeros((N, inputs), dtype="float32"), xp.zeros((N, outputs), dtype="float32")
            W, db = xp.zeros((inputs, outputs), dtype="float32"), xp.zeros(outputs, dtype="float32")
            dW, dx = xp.zeros_like(W), xp.zeros_like(x)
            flop = 2.0 * N * inputs * outputs
            timed(f"{layer}, y = x W", partial(xp.matmul, x, W, out=y), flop=flop)
            timed(f"{layer}, dW = xᵀ dy", partial(xp.matmul, x.T, y, out=dW), flop=flop)
            timed(f"{layer}, dx = dy Wᵀ", partial(xp.matmul, y, W.T, out=dx), flop=flop)
            timed(f"{layer}, db", partial(xp.sum, y, axis=0, out=db), moved=float(y.nbytes))
