"""What this machine can do, and why not: its parts, the parity of its GPUs, and their speeds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from backends import Backend, BackendError, get_backend
from backends.cuda.checks import CudaFacts, inspect_cuda, install_command
from backends.native import open_replay
from mlp.benchmark.epochs import time_epochs
from mlp.benchmark.machine import Machine, describe_machine
from mlp.benchmark.parity import Parity, compare
from mlp.benchmark.workload import Workload, noise
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe

LADDER = ((16, 16), (128,), (512, 256), (1024, 1024))
"""The hidden layers of the networks whose speed is measured."""

IMAGES = 4096
"""Images that they train on, in batches of 128."""

REPEATS = 3
"""Turns of each device with each network; the median counts."""


@dataclass(frozen=True)
class Problem:
    """Something that does not work: a sentence, and the command that may mend it, if one can."""

    sentence: str
    command: str | None


@dataclass(frozen=True)
class Speed:
    """How fast a device trains a network, in images per second."""

    device: str
    hidden: tuple[int, ...]
    images_per_second: float


@dataclass
class Report:
    """What was found out about a machine.

    Attributes:
        machine: the host.
        cuda: what is installed for CUDA.
        problems: what does not work.
        parity: the checks of each GPU that could be opened, by the GPU's name.
        speeds: of the CPU and each GPU, from the smallest network to the largest.
    """

    machine: Machine
    cuda: CudaFacts
    problems: list[Problem] = field(default_factory=list)
    parity: dict[str, list[Parity]] = field(default_factory=dict)
    speeds: list[Speed] = field(default_factory=list)

    @property
    def differing(self) -> list[str]:
        """The devices whose results differ from the CPU's by more than rounding."""
        return [name for name, checks in self.parity.items() if not all(c.holds for c in checks)]

    def smallest_network_won(self, device: str) -> tuple[int, ...] | None:
        """Return the hidden layers of the smallest network from which on a device beats the CPU.

        None if it does not train even the largest one faster.
        """
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
        seconds: how long the timing may take, about; 0 for no timing.

    Raises:
        BackendError: if a GPU was asked for by name and cannot be used.
    """
    report = Report(describe_machine(), inspect_cuda())
    report.problems += [*kernel_problems(), *compiler_problems()]
    if device != "cpu":
        report.problems += wheel_problems(report.cuda)
    devices = [get_backend("cpu"), *_open(device, report)]
    for backend in devices[1:]:
        report.parity[backend.name] = list(compare(backend))
    if seconds:
        report.speeds = measure(devices, seconds)
    return report


def kernel_problems() -> Iterator[Problem]:
    """Report a setting that keeps OpenBLAS from using all of the processor, such as AVX-512."""
    if processor := os.environ.get("OPENBLAS_CORETYPE"):
        yield Problem(
            f"OPENBLAS_CORETYPE holds NumPy's OpenBLAS to kernels for {processor}: left to itself "
            "it takes those for this processor, which may be twice as fast",
            "unset OPENBLAS_CORETYPE",
        )


def compiler_problems() -> Iterator[Problem]:
    """Report that captured steps remain calls of NumPy where they could be compiled."""
    if sys.platform == "linux" and open_replay() is None:
        yield Problem(
            "training steps are not compiled, as no C compiler (cc) works here or the cache folder "
            "(~/.cache/mlp/compiled) cannot be written to, or not by you alone: small networks "
            "take up to twice as long, and gain little from a second core",
            None,
        )


def wheel_problems(cuda: CudaFacts) -> Iterator[Problem]:
    """Report CuPy wheels that have overwritten each other's files."""
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


def measure(devices: list[Backend], seconds: float) -> list[Speed]:
    """Time the training of each network on each device, in turn.

    Args:
        devices: the devices.
        seconds: how long all of it may take, about; each network gets an equal part.
    """
    turn = seconds / (len(devices) * len(LADDER) * (1 + REPEATS))
    images = noise(IMAGES)
    speeds = []
    for hidden in LADDER:
        workload = Workload(
            architecture=Architecture(hidden=hidden), recipe=Recipe(), images=images
        )
        trainers = [workload.trainer(backend) for backend in devices]
        timings = time_epochs(trainers, REPEATS, turn_seconds=turn)
        speeds += [Speed(t.device, hidden, IMAGES / t.median) for t in timings]
    return speeds
