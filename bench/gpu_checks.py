"""What the tests do not look at on a GPU: numbers at full size, what is captured, single calls.

    python -m bench.gpu_checks --out checks.jsonl --seconds 75
    python -m bench.gpu_checks --out checks.jsonl --device cpu       a rehearsal, in seconds

Each check writes JSON lines as it goes, and one that fails does not end the others. In a row,
``holds`` says whether the numbers are right and ``replays`` whether a CUDA graph is replayed.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import PRECISIONS, Backend, BackendError, get_backend
from bench.harness.device_calls import replays
from bench.harness.device_pixels import of_pixels
from bench.harness.device_ranks import on_one_device
from bench.harness.device_timings import epochs, operations
from bench.harness.log import Log
from mlp.benchmark.workload import noise
from mlp.data.augment import Deformation
from mlp.data.batches import UNIT
from mlp.nn.losses import SoftmaxCrossEntropy
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

Row = dict[str, Any]


@dataclass
class Case:
    """What the checks work on.

    Attributes:
        device: ``"cpu"`` for a rehearsal, or ``"cuda"``.
        images: how many there are: 60,000, or few in a rehearsal.
    """

    device: str
    images: int

    @property
    def is_cuda(self) -> bool:
        """Whether this is no rehearsal."""
        return self.device != "cpu"


RELATIVE_ERROR = {"float32": 2e-5, "tf32": 1e-3, "bf16": 8e-3}
"""The largest error that the rounding of a precision explains, of a product of full size."""


def products(case: Case) -> Iterator[Row]:
    """Hold each product of a layer, of full size and of odd ones, to float64."""
    for precision in PRECISIONS if case.is_cuda else PRECISIONS[:1]:
        backend = get_backend(case.device, precision=precision)
        xp = backend.xp
        N = case.images
        for shape in ((128, 784, 128), (129, 257, 31), (7, 33, 5), (1, 784, 10), (N, 784, 128)):
            n, i, o = shape
            rng = np.random.default_rng(sum(shape))
            x, W, dy = (rng.normal(size=s).astype("f") for s in ((n, i), (i, o), (n, o)))
            on = [backend.asarray(a) for a in (x, W, dy)]
            made = [xp.full(s, np.nan, dtype="float32") for s in ((n, o), (i, o), (n, i))]
            xp.matmul(on[0], on[1], out=made[0])
            xp.matmul(on[0].T, on[2], out=made[1])
            xp.matmul(on[2], on[1].T, out=made[2])
            x, W, dy = (a.astype("d") for a in (x, W, dy))
            worst = max(
                error(backend.to_numpy(a), true)
                for a, true in zip(made, (x @ W, x.T @ dy, dy @ W.T), strict=True)
            )
            yield {
                "precision": precision, "shape": shape,
                "error": worst, "holds": worst < RELATIVE_ERROR[precision],
            }  # fmt: skip


def products_of_pixels(case: Case) -> Iterator[Row]:
    """Hold the products of images on tensor cores to float64, and time them beside float32's."""
    yield from of_pixels(case.device, case.images)


def slices_of_columns(case: Case) -> Iterator[Row]:
    """Multiply rows that lie apart in memory, as those of deformed batches do, in a graph."""
    backend, rng = get_backend(case.device), np.random.default_rng(0)
    x, W = rng.normal(size=(784, 512)).astype("f"), rng.normal(size=(784, 32)).astype("f")
    rows, y = backend.asarray(x).T[128:256], backend.xp.zeros((128, 32), dtype="float32")
    weights = backend.asarray(W)
    step = backend.capture(lambda: backend.xp.matmul(rows, weights, out=y))
    for _ in range(3):
        step()
    worst = error(backend.to_numpy(y), x.T[128:256].astype("d") @ W)
    yield {"error": worst, "holds": worst < 2e-5, "replays": replays(step)}


def sums_and_softmax(case: Case) -> Iterator[Row]:
    """Hold column sums and the gradient of the loss to float64, and each to its own repetition."""
    backend = get_backend(case.device)
    for dtype, limit in (("float32", 3e-5), ("float64", 3e-13)):
        worst, repeats = 0.0, True
        for n, c in ((1, 10), (7, 2), (31, 31), (257, 32), (case.images, 10), (case.images, 128), (300, 257), (5, 3000)):  # fmt: skip # noqa: E501
            rng = np.random.default_rng(n * c)
            d = rng.normal(size=(n, c)).astype(dtype)
            made = [_column_sums(backend, d) for _ in range(3)]
            repeats = repeats and all((a == made[0]).all() for a in made)
            scale = np.abs(d.astype("d")).sum(axis=0).max()
            worst = max(worst, float(np.abs(made[0] - d.sum(axis=0, dtype="d")).max() / scale))
            worst = max(worst, _error_of_softmax(backend, 5 * d, rng.integers(0, c, n)))
        yield {
            "dtype": dtype,
            "error": worst,
            "repeats": repeats,
            "holds": worst < limit and repeats,
        }


def _column_sums(backend: Backend, d: NDArray[Any]) -> NDArray[Any]:
    sums = backend.xp.full(d.shape[1], np.nan, dtype=d.dtype)
    backend.xp.sum(backend.asarray(d), axis=0, out=sums)
    return backend.to_numpy(sums)


def _error_of_softmax(backend: Backend, logits: NDArray[Any], labels: NDArray[Any]) -> float:
    n, c = logits.shape
    criterion = SoftmaxCrossEntropy(c, backend, str(logits.dtype))
    loss = criterion.forward(backend.asarray(logits), backend.asarray(labels))
    value = backend.to_numpy(loss).item()
    gradient = backend.to_numpy(criterion.backward())
    e = np.exp(logits.astype("d") - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    true = -np.log(p[np.arange(n), labels]).mean()
    p[np.arange(n), labels] -= 1
    return float(max(abs(value - true) / abs(true), np.abs(gradient - p / n).max() * n))


RECIPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "full batch": {"batch_size": "full"},
    "all of sgd": {"nesterov": True, "weight_decay": 1e-3, "clip_norm": 1.0, "clip_value": 0.5},
    "dropout, max-norm": {"dropout": 0.5, "input_dropout": 0.2, "max_norm": 2.0},
    "running accuracy": {"train_accuracy": "running"},
    "quadratic": {"loss": "quadratic"},
    "binary cross-entropy": {"loss": "binary_cross_entropy"},
    "adam": {"optimizer": "adam", "lr": 1e-3},
    "deformed": {"augment": "affine,elastic,thickness"},
    "deformed, full batch": {"batch_size": "full", "augment": "affine,elastic"},
}


def recipes(case: Case) -> Iterator[Row]:
    """Train in each way, and ask whether it is captured, and whether the CPU comes to the same."""
    split = noise(600)
    for name, options in RECIPES.items():
        results, replayed = [], None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for backend in (get_backend(case.device), get_backend("cpu", graph=False)):
                model = MLP([784, 24, 16, 10], backend=backend)
                recipe = Recipe(**{"batch_size": 64, "epochs": 4, "lr": 0.02, **options})
                trainer = Trainer(model, split, recipe)
                for number in range(4):
                    trainer.epoch(number)
                results.append(backend.to_numpy(model.parameters).copy())
                if len(results) == 1:
                    replayed = replays(*trainer.executor.captured.values())
        worst = float(np.abs(results[0] - results[1]).max() / np.abs(results[1]).max())
        told = sorted({str(w.message)[:160] for w in caught if "captured" in str(w.message)})
        yield {
            "recipe": name,
            "error": worst,
            "holds": worst < 2e-4,
            "replays": replayed,
            "told": told,
        }


def deformed_images(case: Case) -> Iterator[Row]:
    """Hold a span's worth of deformed images to the CPU's, from bytes and from floats."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (min(case.images, 4101), 784), dtype=np.uint8)
    pixels[rng.random(pixels.shape) < 0.5] = 0
    for x, unit in ((pixels, UNIT), (pixels * np.float32(UNIT), 1.0)):
        made = []
        for backend in (get_backend(case.device), get_backend("cpu")):
            deformation = Deformation("affine,elastic,thickness", (28, 28), backend, "float32")
            deformed = deformation(backend.asarray(x), 3, 12345, unit)
            made.append(backend.to_numpy(deformed).copy())
        apart = np.abs(made[0] - made[1])
        mean = float(apart.mean())
        told = {"worst": float(apart.max()), "mean": mean, "holds": mean < 1e-4}
        yield {"of": str(x.dtype), **told}


def ranks_on_one_device(case: Case) -> Iterator[Row]:
    """Train by one rank, and by two on one device by way of the host, to the same bytes."""
    yield from on_one_device(case.device)


def many_images(case: Case) -> Iterator[Row]:
    """Take rows from more than 2³¹ bytes of images."""
    if not case.is_cuda:
        return
    backend = get_backend(case.device)
    count = 3_000_000
    images, out = (backend.xp.zeros((n, 784), dtype="uint8") for n in (count, 3))
    images[count - 2] = 7
    rows = backend.asarray(np.array([0, count - 2, count - 1]))
    backend.xp.take(images, rows, axis=0, out=out)
    sums = backend.to_numpy(out).sum(axis=1).tolist()
    yield {"sums": sums, "holds": sums == [0, 7 * 784, 0]}


def collected_while_capturing(case: Case) -> Iterator[Row]:
    """Drop another backend, whose cuBLAS handle the collector destroys, within a capture."""
    backend = get_backend(case.device)
    total = backend.xp.zeros(1, dtype="float32")

    def step() -> None:
        backend.xp.add(total, 1.0, out=total)
        gc.collect()

    captured = backend.capture(step)
    captured()
    few = noise(256)
    dropped = Trainer(MLP([784, 16, 10], backend=get_backend(case.device)), few, Recipe(epochs=1))
    dropped.epoch(0)
    del dropped
    captured()
    yield {"replays": replays(captured), "holds": backend.to_numpy(total).item() == 2.0}


def transfers(case: Case) -> Iterator[Row]:
    """Time how long all images take to the device and back."""
    backend, images = get_backend(case.device), noise(case.images).images
    times = []
    for _ in range(3):
        start = time.perf_counter()
        there = backend.asarray(images)
        backend.synchronize()
        times.append(round(1e3 * (time.perf_counter() - start), 2))
    start = time.perf_counter()
    backend.to_numpy(there)
    back = round(1e3 * (time.perf_counter() - start), 2)
    yield {"images": case.images, "to_device_ms": times, "to_host_ms": back}


def timed_operations(case: Case) -> Iterator[Row]:
    """Time each operation of an update alone, many times in a graph."""
    for rows, times in ((case.images, 4), (128, 50)):
        backend = get_backend(case.device)
        yield {
            "rows": rows,
            "microseconds": operations(backend, rows, times if case.is_cuda else 1),
        }


def timed_epochs(case: Case) -> Iterator[Row]:
    """Time epochs by the clock, and what the device needs of them."""
    yield from epochs(case.device, case.images)


CHECKS: tuple[Callable[[Case], Iterator[Row]], ...] = (
    products,
    products_of_pixels,
    slices_of_columns,
    sums_and_softmax,
    recipes,
    deformed_images,
    collected_while_capturing,
    ranks_on_one_device,
    many_images,
    transfers,
    timed_operations,
    timed_epochs,
)


def run(case: Case, log: Log) -> None:
    """Run the checks, as far as the time goes."""
    for check in CHECKS:
        name, start = check.__name__, time.monotonic()
        if log.is_late():
            log.row(name, skipped="no time left")
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            try:
                for row in check(case):
                    log.row(name, **row)
                log.row(name, ended=True, seconds=round(time.monotonic() - start, 2))
            except Exception as failure:  # whatever it is, the other checks can still tell
                where = traceback.format_exc().strip().splitlines()[-4:-1]
                told = f"{type(failure).__name__}: {str(failure)[:300]}"
                log.row(name, failed=told, where=where, holds=False)
        gc.collect()


def error(array: NDArray[Any], true: NDArray[Any]) -> float:
    """Return how far an array is from what it should be, in the norm, relative to that."""
    return float(np.linalg.norm(array - true) / np.linalg.norm(true))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all checks; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_checks", description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu for a rehearsal")
    parser.add_argument("--seconds", type=float, default=75, help="no check starts later")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="for the rows")
    given = parser.parse_args(arguments)
    try:
        get_backend(given.device)
    except BackendError as failure:
        print(f"bench.gpu_checks: {failure}", file=sys.stderr)
        return 1
    case = Case(given.device, 60_000 if given.device != "cpu" else 300)
    with given.out.open("w", encoding="utf-8") as file:
        log = Log(file, given.seconds)
        run(case, log)
    return (
        1
        if any(row.get("holds") is False or row.get("replays") is False for row in log.rows)
        else 0
    )


if __name__ == "__main__":
    sys.exit(main())
