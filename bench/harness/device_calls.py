"""What single calls cost on a device: launches, graph nodes, and the products of each layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from backends import Array, Backend
from bench.harness.log import Log
from mlp.benchmark.timing import calls_lasting, seconds_per_call
from mlp.benchmark.workload import Workload

NODES = 100
"""Nodes of the graph that the cost of one is measured with."""

CHAIN = 10
"""How often a product or a sum is captured one after another, so that the host does not count."""


def time_calls(workloads: Sequence[Workload], backend: Backend, least: float, log: Log) -> None:
    """Time a launch, a graph's node, and each product and column sum of the full batches.

    All work on random numbers: on zeros a GPU draws less power, and keeps a higher clock.

    Args:
        workloads: those with a full batch count.
        backend: the device.
        least: seconds that a timing takes at least.
        log: where the rows go.
    """
    xp, rng = backend.xp, np.random.default_rng(0)

    def array(*shape: int) -> Array:
        return backend.asarray(rng.standard_normal(shape, dtype="float32"))

    def timed(name: str, call: Callable[[], Any], times: int = 1, **work: float) -> None:
        for _ in range(3):  # warmed up, captured, replayed
            call()
        calls = calls_lasting(least, call, backend.synchronize)
        seconds = seconds_per_call(call, backend.synchronize, calls) / times
        rates = {what: amount / seconds for what, amount in work.items()}
        log.row("call", name=name, seconds=seconds, **rates)

    def captured(call: Callable[[], Any], times: int) -> Callable[[], Any]:
        def chain() -> None:
            for _ in range(times):
                call()

        return backend.capture(chain)

    one, other = array(1), array(1)
    add = partial(xp.add, one, other, out=one)  # a kernel: a copy would be none
    timed("one launch", add)
    timed(f"one of {NODES} nodes of a graph", captured(add, NODES), NODES)
    for workload in workloads:
        if workload.recipe.batch_size != "full":
            continue
        N = len(workload.images)
        for inputs, outputs in pairwise(workload.sizes):
            layer = f"{workload.name}, {inputs}-{outputs}"
            x, dy, W = array(N, inputs), array(N, outputs), array(inputs, outputs)
            y, dW, dx, db = (xp.empty_like(a) for a in (dy, W, x, dy[0]))
            flop = 2.0 * N * inputs * outputs
            calls = {
                "y = x W": partial(xp.matmul, x, W, out=y),
                "dW = xᵀ dy": partial(xp.matmul, x.T, dy, out=dW),
                "dx = dy Wᵀ": partial(xp.matmul, dy, W.T, out=dx),
            }
            for name, call in calls.items():
                timed(f"{layer}, {name}", captured(call, CHAIN), CHAIN, flops=flop)
            sums = captured(partial(xp.sum, dy, axis=0, out=db), CHAIN)
            timed(f"{layer}, db", sums, CHAIN, bytes=float(dy.nbytes))


def replays(*steps: Callable[[], Any]) -> bool | None:
    """Tell whether captured steps replay CUDA graphs by now; None where a device has none."""
    states = [getattr(step, "replays", None) for step in steps]
    return None if None in states or not states else all(states)
