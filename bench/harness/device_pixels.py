"""How exact products of images are on a device's tensor cores, and how long they take there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array, Backend, get_backend, keep_pixels
from bench.harness.device_calls import replays
from bench.harness.device_timings import seconds_of_device

LARGEST_ERROR = 6e-6
"""Of the sum of the terms' sizes: twice what sums that are cut off come to in tests."""

KINDS = ((128, "normal"), (16, "normal"), (16, "positive"), (10, "tiny"))
"""Outputs of the layer, and what its weights and gradients are like."""


def of_pixels(device: str, count: int) -> Iterator[dict[str, Any]]:
    """Hold both products of a first layer to float64, in graphs, and time them beside float32's.

    Args:
        device: ``"cuda"``; or ``"cpu"``, which keeps no pixels, so that floats alone are held.
        count: images.
    """
    backend, rng = get_backend(device), np.random.default_rng(8)
    images = rng.integers(0, 256, (count, 784), dtype=np.uint8)
    true, floats = images / 255.0, images.astype("f") * np.float32(1 / 255)
    for outputs, kind in KINDS:
        W, dy = (rng.normal(size=(rows, outputs)).astype("f") for rows in (784, count))
        if kind != "normal":
            W, dy = (abs(a) if kind == "positive" else a * np.float32(1e-30) for a in (W, dy))
        pixels = keep_pixels(backend, images, 10**9, outputs)  # however few the images are
        row: dict[str, Any] = {"outputs": outputs, "numbers": kind, "pixels": pixels is not None}
        for name, x in (("floats", backend.asarray(floats)), ("pixels", pixels)):
            if x is None:
                continue
            for what, a, b, exact in (("x W", x, W, true), ("dW", x.T, dy, true.T)):
                row |= {f"{name}, {what}: {k}": v for k, v in _told(backend, a, b, exact).items()}
        errors = [value for told, value in row.items() if told.endswith(": error")]
        row["replays"] = (
            None
            if device == "cpu"
            else all(value for told, value in row.items() if told.endswith(": replays"))
        )
        yield row | {"holds": max(errors) < LARGEST_ERROR}


def _told(backend: Backend, a: Array, b: NDArray[Any], exact: NDArray[Any]) -> dict[str, Any]:
    """Tell of one product, captured, how far it is from float64 and how long it takes."""
    out = backend.xp.zeros((len(a), b.shape[1]), dtype="float32")
    step = backend.capture(partial(backend.xp.matmul, a, backend.asarray(b), out=out))
    for _ in range(3):
        step()
    true, size = exact @ b.astype("d"), exact @ abs(b.astype("d"))
    return {
        "error": float((abs(backend.to_numpy(out) - true) / size).max()),
        "us": round(1e6 * seconds_of_device(backend, step, 10), 1),
        "replays": replays(step),
    }
