"""Parity: whether a device computes what the CPU computes, but for rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Backend, get_backend, keep_pixels
from mlp.benchmark.workload import noise
from mlp.nn.losses import SoftmaxCrossEntropy
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

Values = NDArray[Any]


@dataclass(frozen=True)
class Parity:
    """How far a device's result is from the CPU's in one computation.

    Attributes:
        check: what was computed.
        difference: the largest difference, relative to the CPU's largest value.
        limit: the largest that rounding explains.
    """

    check: str
    difference: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether rounding explains the difference; a NaN it does not."""
        return self.difference <= self.limit


def compare(backend: Backend) -> Iterator[Parity]:
    """Compute the same on a device and on the CPU: operations, gradients and whole epochs."""
    cpu = get_backend("cpu")
    for check, (compute, limit) in CHECKS.items():
        values, expected = compute(backend), compute(cpu)
        with np.errstate(invalid="ignore"):
            difference = float(np.abs(values - expected).max() / np.abs(expected).max())
        yield Parity(check, difference, limit)


def _products(backend: Backend) -> Values:
    """Compute the three products of a linear layer, and column sums."""
    xp, rng = backend.xp, np.random.default_rng(0)
    x, W, dy = (
        backend.asarray(rng.normal(size=shape), "float32")
        for shape in ((65, 33), (33, 17), (65, 17))
    )
    y, dW = xp.zeros((65, 17), dtype="float32"), xp.zeros((33, 17), dtype="float32")
    dx, db = xp.zeros((65, 33), dtype="float32"), xp.zeros(17, dtype="float32")
    xp.matmul(x, W, out=y)  # (65, 17)
    xp.matmul(x.T, dy, out=dW)  # (33, 17)
    xp.matmul(dy, W.T, out=dx)  # (65, 33)
    xp.sum(dy, axis=0, out=db)  # (17,)
    return np.concatenate([backend.to_numpy(a).ravel() for a in (y, dW, dx, db)])


def _images(backend: Backend) -> Values:
    """Compute both products of a first layer, of images as the device keeps them."""
    xp, rng = backend.xp, np.random.default_rng(3)
    images = rng.integers(0, 256, (515, 64), dtype=np.uint8)
    x = keep_pixels(backend, images, 10**9, 17)  # however few there are
    if x is None:
        x = backend.asarray(images / 255.0, "float32")
    W, dy = (backend.asarray(rng.normal(size=(n, 17)), "float32") for n in (64, 515))
    y, dW = xp.zeros((515, 17), dtype="float32"), xp.zeros((64, 17), dtype="float32")
    xp.matmul(x, W, out=y)  # (515, 17)
    xp.matmul(x.T, dy, out=dW)  # (64, 17)
    return np.concatenate([backend.to_numpy(a).ravel() for a in (y, dW)])


def _softmax(backend: Backend) -> Values:
    """Compute the gradient of softmax cross-entropy."""
    rng = np.random.default_rng(1)
    criterion = SoftmaxCrossEntropy(10, backend, "float32")
    logits = backend.asarray(4 * rng.normal(size=(301, 10)), "float32")
    criterion.forward(logits, backend.asarray(rng.integers(0, 10, 301)))
    return backend.to_numpy(criterion.backward())


def _gradients(activation: str, dtype: str) -> Callable[[Backend], Values]:
    """Return what computes all gradients of a small network."""

    def compute(backend: Backend) -> Values:
        rng = np.random.default_rng(2)
        model = MLP([30, 20, 10], activation, dtype=dtype, backend=backend)
        criterion = SoftmaxCrossEntropy(10, backend, dtype)
        x = backend.asarray(rng.normal(size=(50, 30)), dtype)
        criterion.forward(model.forward(x), backend.asarray(rng.integers(0, 10, 50)))
        model.backward(criterion.backward())
        return backend.to_numpy(model.gradients)

    return compute


def _epochs(number: int) -> Callable[[Backend], Values]:
    """Return what trains for some epochs; the third replays what the second captured."""

    def compute(backend: Backend) -> Values:
        model = MLP([49, 20, 10], backend=backend)
        trainer = Trainer(model, noise(1000, side=7), Recipe(epochs=number))
        for i in range(number):
            trainer.epoch(i)
        return backend.to_numpy(model.parameters)

    return compute


CHECKS: dict[str, tuple[Callable[[Backend], Values], float]] = {
    "products and sums": (_products, 1e-5),
    "products of images": (_images, 1e-5),
    "softmax cross-entropy": (_softmax, 1e-5),
    "gradients, relu": (_gradients("relu", "float32"), 1e-5),
    "gradients, tanh, float64": (_gradients("tanh", "float64"), 1e-13),
    "one epoch": (_epochs(1), 1e-4),
    "three epochs": (_epochs(3), 1e-4),
}
"""What is computed, and the largest relative difference that rounding explains."""
