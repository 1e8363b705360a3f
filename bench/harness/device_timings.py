"""How long the parts of an update take a device, and how long an epoch takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from backends import Backend, get_backend
from bench.harness.device_calls import replays
from mlp.benchmark.workload import noise
from mlp.data.augment import Deformation
from mlp.data.batches import UNIT
from mlp.nn.losses import SoftmaxCrossEntropy
from mlp.nn.network import MLP
from mlp.nn.optim.sgd import SGD
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer
from mlp.training.unseen import Unseen

WORKS: tuple[tuple[tuple[int, ...], Any], ...] = (
    ((128,), "full"),
    ((16, 16), "full"),
    ((128,), 128),
    ((256, 128), 128),
    ((16, 16), 32),
    ((2500, 2000, 1500, 1000, 500), 128),
)
"""Hidden layers and batch sizes whose epochs are timed; a rehearsal takes the first two."""


UNSEEN = 32
"""Epochs of a full batch that are timed together, as between two reports."""


def seconds_of_device(backend: Backend, call: Callable[[], Any], repeats: int) -> float:
    """Return the seconds that the device needs for a call, by events, or by the clock on a CPU."""
    call()
    if backend.name == "cpu":
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        return (time.perf_counter() - start) / repeats
    import cupy

    first, last = cupy.cuda.Event(), cupy.cuda.Event()
    backend.xp.zeros(1)  # which makes the backend's stream the current one
    first.record()
    for _ in range(repeats):
        call()
    last.record()
    last.synchronize()
    return float(cupy.cuda.get_elapsed_time(first, last)) / 1e3 / repeats


def seconds_unseen(trainer: Trainer, count: int) -> float:
    """Return the seconds of an epoch of several that nobody looks at."""
    unseen = Unseen(trainer, trainer.backend.xp.zeros_like(trainer.model.parameters))
    for _ in range(3):  # the first runs the steps, the second captures them
        trainer.backend.synchronize()
        start = time.perf_counter()
        for _ in unseen.make(0, count):
            pass
        trainer.backend.synchronize()
    return (time.perf_counter() - start) / count


def operations(backend: Backend, rows: int, times: int) -> dict[str, float | str]:
    """Time each operation of an update of 784-128-10 alone, many times in one graph.

    So the host's work does not count.

    Args:
        backend: the device.
        rows: images of the update.
        times: how often an operation is in the graph.

    Returns:
        Microseconds of an operation, or why it could not be timed.
    """
    told: dict[str, float | str] = {}
    for name, operation in _operations_of_an_update(backend, rows).items():

        def many(operation: Callable[[], Any] = operation) -> None:
            for _ in range(times):
                operation()

        try:
            step = backend.capture(many)
            step()
            step()
            told[name] = round(1e6 * seconds_of_device(backend, step, 5) / times, 2)
        except Exception as error:  # the others can still be timed
            told[name] = f"{type(error).__name__}: {str(error)[:80]}"
    return told


def _operations_of_an_update(backend: Backend, n: int) -> dict[str, Callable[[], Any]]:
    """Make the calls of an update of 784-128-10, each on arrays that hold plausible numbers."""
    xp, rng = backend.xp, np.random.default_rng(1)
    model, criterion = (
        MLP([784, 128, 10], backend=backend),
        SoftmaxCrossEntropy(10, backend, "float32"),
    )
    x = backend.asarray(rng.random((n, 784)), "float32")
    labels = backend.asarray(rng.integers(0, 10, n))
    targets = criterion.targets(labels)
    first, second = model.linear
    sgd = SGD(model.parameters, model.gradients, backend, momentum=0.9)
    order = backend.asarray(rng.permutation(n))
    pixels = backend.asarray(rng.integers(0, 256, (n, 784), dtype=np.uint8))
    floats, some = xp.empty((n, 784), dtype="float32"), xp.empty((n, 784), dtype="uint8")
    y, dy = (xp.ones((n, 128), dtype="float32") for _ in range(2))
    dz = xp.ones((n, 10), dtype="float32")
    one, other = (xp.zeros(1, dtype="float32") for _ in range(2))
    deformation = Deformation("affine,elastic", (28, 28), backend, "float32")

    def loss() -> None:
        criterion.forward(dz, targets)
        criterion.backward()

    return {
        "x W1 + b1": partial(first.forward, x),
        "relu": partial(model.layers[1].forward, y),
        "a W2 + b2": partial(second.forward, y),
        "loss and gradient": loss,
        "dW2, db2, da": partial(second.backward, dz),
        "dW1 = xᵀ dy": partial(xp.matmul, x.T, dy, out=first.dW),
        "db1": partial(xp.sum, dy, axis=0, out=first.db),
        "update": sgd.step,
        "copy of a number": partial(xp.copyto, one, other),
        "gather of floats": partial(xp.take, x, order, axis=0, out=floats),
        "gather of bytes": partial(xp.take, pixels, order, axis=0, out=some),
        "bytes to floats": partial(xp.copyto, floats, pixels),
        "deformation of bytes": partial(deformation, pixels, 0, 0, UNIT),
    }


def epochs(device: str, images: int) -> Iterator[dict[str, Any]]:
    """Time epochs by the clock, and on a GPU what the device needs of the longest graph.

    Args:
        device: ``"cpu"`` for a rehearsal, or ``"cuda"``.
        images: of an epoch.
    """
    split = noise(images)
    for hidden, batch in WORKS[:2] if device == "cpu" else WORKS:
        compute_bound = device != "cpu" and (batch == "full" or len(hidden) > 2)
        for precision in ("float32", "tf32") if compute_bound else ("float32",):
            backend = get_backend(device, precision=precision)
            recipe = Recipe(batch_size=batch, epochs=UNSEEN, warmup=0.0, lr=1e-4)
            trainer = Trainer(MLP([784, *hidden, 10], backend=backend), split, recipe)
            for _ in range(3):
                trainer.epoch(0)
            seconds = []
            for _ in range(15 if batch == "full" else 5):
                start = time.perf_counter()
                trainer.epoch(0)
                seconds.append(time.perf_counter() - start)
            steps = list(trainer.executor.captured.values())
            told = {
                "hidden": hidden, "batch": batch, "precision": precision,
                "epoch_ms": round(1e3 * median(seconds), 3),
                "least_ms": round(1e3 * min(seconds), 3),
                "replays": replays(*steps),
            }  # fmt: skip
            if device != "cpu":  # where a step may wait for other workers
                told["graph_us"] = round(1e6 * seconds_of_device(backend, steps[0], 10), 1)
                if batch == "full":
                    told["unseen_ms"] = round(1e3 * seconds_unseen(trainer, UNSEEN), 3)
            yield told
