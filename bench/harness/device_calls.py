"""What single calls cost on a device: launches, graph nodes, and the products of each layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from backends import Backend
from bench.harness.log import Log
from mlp.benchmark.timing import calls_lasting, seconds_per_call
from mlp.benchmark.workload import Workload

NODES = 100
"""Nodes of the graph that the cost of one is measured with."""


def time_calls(workloads: Sequence[Workload], backend: Backend, least: float, log: Log) -> None:
    """Time a launch, a graph's node, and each product and column sum of the full batches.

    Args:
        workloads: those with a full batch count.
        backend: the device.
        least: seconds that a timing takes at least.
        log: where the rows go.
    """
    xp = backend.xp

    def timed(name: str, call: Callable[[], Any], flop: float = 0.0, moved: float = 0.0) -> None:
        call()
        calls = calls_lasting(least, call, backend.synchronize)
        seconds = seconds_per_call(call, backend.synchronize, calls)
        log.row("call", name=name, seconds=seconds, flops=flop / seconds, bytes=moved / seconds)

    one, other = (xp.zeros(1, dtype="float32") for _ in range(2))

    def launches() -> None:
        for _ in range(NODES):
            xp.copyto(one, other)

    nodes = backend.capture(launches)
    for _ in range(2):
        nodes()
    timed("one launch", partial(xp.copyto, one, other))
    timed(f"a graph of {NODES} nodes", nodes)
    for workload in workloads:
        if workload.recipe.batch_size != "full":
            continue
        N = len(workload.images)
        for inputs, outputs in pairwise(workload.sizes):
            layer = f"{workload.name}, {inputs}-{outputs}"
            x, y = xp.zeros((N, inputs), dtype="float32"), xp.zeros((N, outputs), dtype="float32")
            W, db = xp.zeros((inputs, outputs), dtype="float32"), xp.zeros(outputs, dtype="float32")
            dW, dx = xp.zeros_like(W), xp.zeros_like(x)
            flop = 2.0 * N * inputs * outputs
            timed(f"{layer}, y = x W", partial(xp.matmul, x, W, out=y), flop=flop)
            timed(f"{layer}, dW = xᵀ dy", partial(xp.matmul, x.T, y, out=dW), flop=flop)
            timed(f"{layer}, dx = dy Wᵀ", partial(xp.matmul, y, W.T, out=dx), flop=flop)
            timed(f"{layer}, db", partial(xp.sum, y, axis=0, out=db), moved=float(y.nbytes))


def replays(*steps: Callable[[], Any]) -> bool | None:
    """Tell whether captured steps replay CUDA graphs by now; None where a device has none."""
    states = [getattr(step, "replays", None) for step in steps]
    return None if None in states or not states else all(states)
