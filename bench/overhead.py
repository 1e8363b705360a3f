"""What an update costs besides the work: ``python -m bench.overhead``.

A captured update is a flat list of NumPy calls. The same calls on arrays in which every side is two
long have next to nothing to compute: their time is the way into the loops of BLAS and of the
ufuncs, and the list itself. So it is for the calls by themselves, and for the stretches that
training compiles them to (`backends/compiled.py`). One worker, on noise.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from backends import get_backend
from backends.compiled import compiled
from backends.tape import record
from bench.harness.machine import Provenance
from bench.harness.workloads import NETWORKS, plain_sgd
from mlp.benchmark.timing import seconds_per_call
from mlp.benchmark.workload import CLASSES, LR, PIXELS, network_name
from mlp.common.threads import blas_threads
from mlp.nn.network import MLP
from mlp.training.step import Step

Call = Callable[[], Any]


def main() -> None:
    """Print a Markdown table: calls and microseconds an update, the median of the repeats."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2000)
    repeats = parser.parse_args().repeats
    print(Provenance())
    print("\n| network | batch | calls | µs an update | µs outside the loops | share |", end="")
    print(" compiled: calls | µs an update | µs outside the loops | share |")
    print("| --- " * 10 + "|")
    for hidden, batch_size in NETWORKS.items():
        calls = update_of(hidden, batch_size)
        small = [shrunk(call) for call in calls]
        cells = [network_name((PIXELS, *hidden, CLASSES)), str(batch_size)]
        for way in (list, compiled):
            both = way(calls), way(small)
            with blas_threads(1):
                whole, outside = (statistics.median(times(c, repeats)) for c in both)
            cells += [str(len(both[0])), f"{whole:.1f}", f"{outside:.1f}", f"{outside / whole:.0%}"]
        print(f"| {' | '.join(cells)} |")


def update_of(hidden: Sequence[int], batch_size: int) -> list[Call]:
    """Return the calls of one update, recorded as in training, their arrays bound."""
    model = MLP([PIXELS, *hidden, CLASSES], backend=get_backend("cpu"))
    step = Step(model, plain_sgd(batch_size, LR))
    rng, lr = np.random.default_rng(0), np.full(1, LR, np.float32)
    x = rng.random((batch_size, PIXELS), np.float32)
    targets = np.eye(CLASSES, dtype=np.float32)[rng.integers(CLASSES, size=batch_size)]

    def update() -> None:
        step.gradient(x, targets)
        step.update(lr)

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
    """Time the whole list again and again; return the microseconds of each run."""

    def update() -> None:
        for call in calls:
            call()

    return [1e6 * seconds_per_call(update, lambda: None) for _ in range(repeats)]


def _small(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return np.ones([min(side, 2) for side in value.shape], value.dtype)


if __name__ == "__main__":
    main()
