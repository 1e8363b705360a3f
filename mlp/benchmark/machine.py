"""The machine that a figure was measured on: processor, cores, memory, BLAS and versions."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backends import Backend, usable_cores
from mlp.common.threads import blas_library
from mlp.common.version import package_version


@dataclass(frozen=True)
class Machine:
    """The host.

    Attributes:
        processor: its name.
        cores: how many of its cores this process may use.
        memory_bytes: the host's whole memory; None where it cannot be asked for (Windows).
        system: the operating system.
        blas: the library that multiplies matrices, its version and its number of threads.
        versions: of mlp, Python and NumPy.
        load: the number of processes that were running or waiting to run, on average over the last
            minute; None where it cannot be asked for (Windows).
    """

    processor: str
    cores: int
    memory_bytes: int | None
    system: str
    blas: str
    versions: dict[str, str]
    load: float | None

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        memory = "" if self.memory_bytes is None else f", {self.memory_bytes / 2**30:.1f} GiB"
        load = "" if self.load is None else f"; load {self.load:.1f}"
        cores = f"{self.cores} core{'s' if self.cores > 1 else ''}"
        return f"{self.processor}, {cores}{memory}; {self.blas}; {self.system}; {versions}{load}"


def describe_machine() -> Machine:
    """Describe the host as it is now."""
    return Machine(
        processor=_processor(),
        cores=usable_cores(),
        memory_bytes=_memory_bytes(),
        system=f"{platform.system()} {platform.release()}",
        blas=blas_library(),
        versions={
            "mlp": package_version(),
            "Python": platform.python_version(),
            "NumPy": np.__version__,
        },
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    )


def describe_device(backend: Backend) -> str:
    """Name what a backend computes on, such as ``"NVIDIA H200, CuPy 14.2.0, CUDA 12.9"``."""
    if not backend.name.startswith("cuda"):
        return _processor()
    cupy = backend.xp
    runtime = cupy.cuda.runtime
    name = runtime.getDeviceProperties(int(backend.name.split(":")[1]))["name"].decode()
    version = runtime.runtimeGetVersion()
    return f"{name}, CuPy {cupy.__version__}, CUDA {version // 1000}.{version % 1000 // 10}"


def _memory_bytes() -> int | None:
    if not hasattr(os, "sysconf"):
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # not Linux, or an ARM kernel, which names no model
        return platform.processor() or platform.machine()
