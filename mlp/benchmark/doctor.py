"""What this machine can do and why not: its parts, parity of CPU and GPUs, and their speeds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Backend, BackendError, get_backend
from backends.cuda.checks import CudaFacts, facts, install_command
from mlp.benchmark.machine import Machine, describe_machine
from mlp.data.dataset import Split
from mlp.nn.losses import SoftmaxCrossEntropy
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

LADDER = ((16, 16), (128,), (512, 256), (1024, 1024))
"""The hidden layers of the networks whose speed is measured."""

IMAGES = 4096
"""Images that they train on, in batches of 128."""

Values = NDArray[Any]


@dataclass(frozen=True)
class Problem:
    """Something that does not work: a sentence, and what to type where that alone may mend it."""

    sentence: str
    command: str | None


@dataclass(frozen=True)
class Parity:
    """How far a device is from the CPU in one computation.

    Attributes:
        check: what was computed.
        difference: the largest, as a share of the largest value.
        limit: what rounding explains.
    """

    check: str
    difference: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether rounding explains the difference; no NaN does."""
        return self.difference <= self.limit


@dataclass(frozen=True)
class Speed:
    """How fast one device trains one network, in images a second."""

    device: str
    hidden: tuple[int, ...]
    images_per_second: float


@dataclass
class Report:
    """All of it.

    Attributes:
        machine: the host.
        cuda: what is installed for CUDA.
        problems: what does not work.
        parity: for each device that opened, its checks.
        speeds: of the CPU and each device, from the smallest network to the largest.
    """

    machine: Machine
    cuda: CudaFacts
    problems: list[Problem] = field(default_factory=list)
    parity: dict[str, list[Parity]] = field(default_factory=dict)
    speeds: list[Speed] = field(default_factory=list)

    @property
    def differing(self) -> list[str]:
        """The devices that compute otherwise than the CPU."""
        return [name for name, checks in self.parity.items() if not all(c.holds for c in checks)]

    def pays_from(self, device: str) -> tuple[int, ...] | None:
        """Return the hidden layers of the network from which on a device trains all faster."""
        cpu = {s.hidden: s.images_per_second for s in self.speeds if s.device == "cpu"}
        smallest = None
        for speed in reversed([s for s in self.speeds if s.device == device]):
            if speed.images_per_second <= cpu[speed.hidden]:
                break
            smallest = speed.hidden
        return smallest


def examine(device: str = "auto", seconds: float = 10.0) -> Report:
    """Look at the machine, compare each GPU with the CPU, and time them.

    Args:
        device: ``"auto"`` for all GPUs that there are; ``"cpu"`` for none; ``"cuda"`` or
            ``"cuda:N"`` for one.
        seconds: what the timing may take, about; 0 for none.

    Raises:
        BackendError: if a GPU was asked for by name and cannot be used.
    """
    report = Report(describe_machine(), facts())
    report.problems += kernel_problems()
    if device != "cpu":
        report.problems += wheel_problems(report.cuda)
    devices = [get_backend("cpu"), *_open(device, report)]
    for backend in devices[1:]:
        report.parity[backend.name] = list(compare(backend))
    if seconds:
        report.speeds = measure(devices, seconds)
    return report


def kernel_problems() -> Iterator[Problem]:
    """Tell of a setting that keeps OpenBLAS from what the processor can do, such as AVX-512."""
    if processor := os.environ.get("OPENBLAS_CORETYPE"):
        yield Problem(
            f"OPENBLAS_CORETYPE holds NumPy's OpenBLAS to kernels for {processor}: left to itself "
            "it takes those for this processor, which may be twice as fast",
            "unset OPENBLAS_CORETYPE",
        )


def wheel_problems(cuda: CudaFacts) -> Iterator[Problem]:
    """Tell of CuPy wheels that overwrote each other's files."""
    if len(cuda.wheels) > 1:
        names = " ".join(wheel.split()[0] for wheel in cuda.wheels)
        driver = int(cuda.driver.split(".")[0]) * 1000 if cuda.driver else 0
        command = f"pip uninstall -y {names} && {install_command(driver)}"
        yield Problem(
            f"{len(cuda.wheels)} CuPy wheels are installed and share their files "
            f"({', '.join(cuda.wheels)}): keep one, with {command}",
            command,
        )


def _open(device: str, report: Report) -> Iterator[Backend]:
    """Open the GPUs; where none was asked for by name, note why one cannot be used."""
    if device == "cpu":
        return
    if device != "auto":
        yield get_backend(device)
        return
    for number in range(max(1, len(report.cuda.gpus))):
        try:
            yield get_backend(f"cuda:{number}")
        except BackendError as error:
            report.problems.append(Problem(str(error), error.command))


# Parity


def compare(backend: Backend) -> Iterator[Parity]:
    """Compute on a device what the CPU computes too: operations, gradients and epochs."""
    cpu = get_backend("cpu")
    for check, (compute, limit) in CHECKS.items():
        ours, true = compute(backend), compute(cpu)
        with np.errstate(invalid="ignore"):
            difference = float(np.abs(ours - true).max() / np.abs(true).max())
        yield Parity(check, difference, limit)


def _products(backend: Backend) -> Values:
    """The three products of a linear layer, and column sums."""
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


def _softmax(backend: Backend) -> Values:
    """The gradient of softmax cross-entropy."""
    rng = np.random.default_rng(1)
    criterion = SoftmaxCrossEntropy(10, backend, "float32")
    logits = backend.asarray(4 * rng.normal(size=(301, 10)), "float32")
    criterion.forward(logits, backend.asarray(rng.integers(0, 10, 301)))
    return backend.to_numpy(criterion.backward())


def _gradients(activation: str, dtype: str) -> Callable[[Backend], Values]:
    """All gradients of a small network."""

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
    """The parameters after some epochs; the third replays what the second recorded."""

    def compute(backend: Backend) -> Values:
        model = MLP([49, 20, 10], backend=backend)
        trainer = Trainer(model, _noise(1000, 7), Recipe(epochs=number))
        for i in range(number):
            trainer.epoch(i)
        return backend.to_numpy(model.parameters)

    return compute


CHECKS: dict[str, tuple[Callable[[Backend], Values], float]] = {
    "products and sums": (_products, 1e-5),
    "softmax cross-entropy": (_softmax, 1e-5),
    "gradients, relu": (_gradients("relu", "float32"), 1e-5),
    "gradients, tanh, float64": (_gradients("tanh", "float64"), 1e-13),
    "one epoch": (_epochs(1), 1e-4),
    "three epochs": (_epochs(3), 1e-4),
}


# Speed


def measure(devices: list[Backend], seconds: float) -> list[Speed]:
    """Time the training of each network on each device.

    Args:
        devices: the devices.
        seconds: what all of it may take, about; each network gets its even share.
    """
    share = seconds / (len(devices) * len(LADDER))
    images = _noise(IMAGES, 28)
    return [
        Speed(backend.name, hidden, _images_per_second(backend, hidden, images, share))
        for hidden in LADDER
        for backend in devices
    ]


def _images_per_second(
    backend: Backend, hidden: tuple[int, ...], images: Split, seconds: float
) -> float:
    """Train for a while, the two epochs not counted that make and record the steps."""
    trainer = Trainer(MLP([784, *hidden, 10], backend=backend), images, Recipe(epochs=2))
    stop = time.perf_counter() + seconds
    for number in range(2):
        trainer.epoch(number)
    epochs, start, now = 0, time.perf_counter(), 0.0
    while now < stop:
        trainer.epoch(0)  # ends with a copy to the host, which waits for the device
        epochs, now = epochs + 1, time.perf_counter()
    return epochs * len(images) / (now - start)


def _noise(count: int, side: int) -> Split:
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (count, side, side), dtype=np.uint8)
    return Split(images, rng.integers(0, 10, count).astype(np.uint8))
