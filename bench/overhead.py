"""What an update costs besides the work: ``python -m bench.overhead``.

A captured update is a flat list of NumPy calls. The same calls on arrays in which every side is two
long have as good as nothing to compute: what they take is the way into the loops of BLAS and of the
ufuncs, and the list itself. One lane, on synthetic digits.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from mlp.training.lane import Lane

from backends import get_backend
from backends.tape import record
from bench.capture import NETWORKS
from bench.harness.machine import describe_machine, machine_line
from mlp.common.threads import blas_threads
from mlp.nn.network import MLP
from mlp.training.parallel.workers import Crew
from mlp.training.recipe import Recipe
from mlp.training.step import Step

Call = Callable[[], Any]


def main() -> None:
    """Print a Markdown table: calls and microseconds an update, the median of the repeats."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2000)
    repeats = parser.parse_args().repeats
    print(machine_line(describe_machine()))
    print("\n| network | batch | calls | µs an update | µs outside the loops | share |")
    print("| --- " * 6 + "|")
    for hidden, batch_size in NETWORKS.items():
        calls = update_of(hidden, batch_size)
        small = [shrunk(call) for call in calls]
        with blas_threads(1):
            whole, outside = (statistics.median(times(c, repeats)) for c in (calls, small))
        print(
            f"| 784-{'-'.join(map(str, hidden))}-10 | {batch_size} | {len(calls)} "
            f"| {whole:.1f} | {outside:.1f} | {outside / whole:.0%} |"
        )


def update_of(hidden: Sequence[int], batch_size: int) -> list[Call]:
    """Return the calls of one update, recorded as in training, their arrays bound."""
    backend = get_backend("cpu")
    model, recipe = MLP([784, *hidden, 10], backend=backend), Recipe(momentum=0.0)
    lane, step = Lane(model, recipe), Step(model, model.gradients, recipe, Crew(1, backend))
    rng, rate = np.random.default_rng(0), np.full(1, 0.05, np.float32)
    x = rng.random((batch_size, 784), np.float32)
    targets = np.eye(10, dtype=np.float32)[rng.integers(10, size=batch_size)]

    def update() -> None:
        lane.gradient(x, targets, batch_size)
        step.take(rate)

    update()
    return record(update)[1]


def shrunk(call: Call) -> Call:
    """Return the same call on arrays whose sides are two long at most, of the same dtypes."""
    assert isinstance(call, partial)
    return partial(
        call.func,
        *map(_small, call.args),
        **{name: _small(value) for name, value in call.keywords.items()},
    )


def times(calls: list[Call], repeats: int) -> list[float]:
    """Time the list again and again: microseconds each."""
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        for call in calls:
            call()
        found.append(1e6 * (time.perf_counter() - start))
    return found


def _small(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return np.ones([min(side, 2) for side in value.shape], value.dtype)


if __name__ == "__main__":
    main()
