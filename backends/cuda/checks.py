"""Whether a CUDA device can be used, and if not, why not and what to do."""

from __future__ import annotations

import ctypes
import os
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backends.base import BackendError

OLDEST_CUDA, NEWEST_CUDA = 12, 13
"""The CUDA versions that there are CuPy wheels for."""


FIRST_WITH_BF16 = (8, 0)
"""The first compute capability whose tensor cores take bf16: Ampere's."""


class Gpu(NamedTuple):
    """A device that the driver lists."""

    number: int
    name: str
    capability: str
    """Its compute capability, such as ``"9.0"``."""
    free: int
    """Memory that is free, in bytes."""
    memory: int
    """All of its memory, in bytes."""

    @property
    def reads_bf16(self) -> bool:
        """Whether its tensor cores take bf16."""
        return reads_bf16(self.capability.replace(".", ""))


class CudaFacts(NamedTuple):
    """What is installed for CUDA; a version is None if the part is missing."""

    wheels: tuple[str, ...]
    """The CuPy wheels that are installed, such as ``"cupy-cuda12x 14.2.0"``."""
    driver: str | None
    """The newest CUDA version that the driver supports."""
    runtime: str | None
    """The CUDA version that CuPy is built for."""
    gpus: tuple[Gpu, ...]


def inspect_cuda() -> CudaFacts:
    """Look for the driver, CuPy and the devices; a missing part is no error."""
    driver = driver_version()
    wheels = installed_wheels()
    runtime, gpus = 0, tuple[Gpu, ...]()
    try:
        cupy = import_cupy()
        runtime = cupy.cuda.runtime.runtimeGetVersion()
        gpus = tuple(_gpu(cupy, i) for i in range(cupy.cuda.runtime.getDeviceCount()))
    except Exception:  # opening the device reports it
        pass
    return CudaFacts(wheels, _version(driver), _version(runtime), gpus)


def installed_wheels() -> tuple[str, ...]:
    """List the installed CuPy wheels; there should be one at most, as they share files."""
    found = {
        f"{name} {distribution.version}"
        for distribution in metadata.distributions()
        if (name := (distribution.metadata["Name"] or "").lower()).startswith("cupy")
        and name.partition("-")[2][:4] in ("", "cuda", "rocm")
    }
    return tuple(sorted(found))


def reads_bf16(capability: str) -> bool:
    """Tell whether tensor cores take bf16, by a compute capability as CuPy has it: ``"90"``."""
    return (int(capability[:-1]), int(capability[-1])) >= FIRST_WITH_BF16


def driver_version() -> int:
    """Ask the driver, without CuPy, for its CUDA version, such as 12090; 0 without a driver."""
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        version = ctypes.c_int(0)
        if library.cuDriverGetVersion(ctypes.byref(version)) == 0:
            return version.value
    return 0


def kernel_cache() -> Path:
    """Return the folder in which CuPy keeps the kernels that it has compiled."""
    return Path(os.environ.get("CUPY_CACHE_DIR") or Path.home() / ".cupy" / "kernel_cache")


def import_cupy() -> Any:
    """Import CuPy.

    Raises:
        BackendError: if it is missing or broken, naming the wheel that suits the driver.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of two wheels, which mlp doctor explains better
            import cupy
    except ImportError as error:
        driver, wheels = driver_version(), installed_wheels()
        command = _command_for_what_is_missing(wheels, driver)
        found = f"{wheels[0]} is installed but" if wheels else "CuPy"
        remedy = (
            "install what it needs with"
            if wheels
            else "on a machine with an NVIDIA GPU and its driver, install it with"
        )
        raise BackendError(
            f"{found} cannot be imported ({_reason(error)})"
            + ("" if driver else ", nor is an NVIDIA driver loaded")
            + f": {remedy} {command}",
            command,
        ) from error
    return cupy


def install_command(driver: int) -> str:
    """Name the CuPy wheel for a driver; CUDA 12's where there is no driver yet."""
    major = min(max(driver // 1000, OLDEST_CUDA), NEWEST_CUDA)
    return f"pip install 'cupy-cuda{major}x[ctk]'"


def _command_for_what_is_missing(wheels: tuple[str, ...], driver: int) -> str:
    """Name the command for CuPy, or for what the wheel that is installed needs beside it."""
    name = wheels[0].split()[0] if len(wheels) == 1 else ""
    return f"pip install '{name}[ctk]'" if name.endswith("x") else install_command(driver)


def check_driver(cupy: Any) -> None:
    """Check that a driver is loaded, and new enough for CuPy.

    Raises:
        BackendError: if it is missing or too old.
    """
    driver = cupy.cuda.runtime.driverGetVersion()
    needed = cupy.cuda.runtime.runtimeGetVersion()
    if driver == 0:
        raise BackendError(
            "no NVIDIA driver is loaded: install one, or run where nvidia-smi lists a GPU "
            "(in Docker, with --gpus all)",
            "nvidia-smi",
        )
    if driver // 1000 < needed // 1000:
        command = "nvidia-smi"
        remedy = "update the driver"
        if driver // 1000 >= OLDEST_CUDA:
            wheel = f"cupy-cuda{needed // 1000}x"
            command = f"pip uninstall -y {wheel} && {install_command(driver)}"
            remedy += f", or change to the CuPy wheel for the older CUDA with {command}"
        raise BackendError(
            f"the NVIDIA driver serves CUDA up to {_version(driver)} but CuPy is built for "
            f"{_version(needed)}: {remedy}",
            command,
        )


def check_device(cupy: Any, index: int) -> None:
    """Check that some device is visible, and this one among them.

    Raises:
        BackendError: if there is no device of this index.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    command = "nvidia-smi" if visible is None else "unset CUDA_VISIBLE_DEVICES"
    seen = "" if visible is None else f" (CUDA_VISIBLE_DEVICES is {visible!r})"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise BackendError(
            f"the NVIDIA driver lists no device ({_reason(error)}){seen}: see {command}",
            command,
        ) from error
    if count == 0:
        raise BackendError(f"no CUDA device is visible{seen}: see {command}", command)
    if index >= count:
        devices = "cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
        raise BackendError(
            f"there is no cuda:{index}{seen}: choose {devices}", f"--device cuda:{count - 1}"
        )


def smoke_test(cupy: Any) -> None:
    """Use each library that training needs, as a missing one fails only when it is first used.

    Raises:
        BackendError: if a library is missing, the memory is full or the result is wrong.
    """
    try:
        a = cupy.asarray(np.ones((2, 2), np.float32))
        product = cupy.matmul(a, a)
        cupy.add(product, product, out=product)  # compiled: by a kernel that training needs as well
        total = float(cupy.asnumpy(product).sum())  # here, as CuPy compiles a sum for two seconds
    except cupy.cuda.memory.OutOfMemoryError as error:
        raise BackendError(
            "the GPU's memory is full: end what else runs there, which nvidia-smi lists",
            "nvidia-smi",
        ) from error
    except Exception as error:  # CuPy raises a different type for each missing library
        command = install_command(cupy.cuda.runtime.runtimeGetVersion())
        raise BackendError(
            f"the device was found but a first computation failed ({_reason(error)}): install "
            f"the CUDA libraries that CuPy needs with {command}",
            command,
        ) from error
    if total != 16.0:
        raise BackendError(f"the device computes wrongly: a sum that is 16 came out as {total}")


def _gpu(cupy: Any, index: int) -> Gpu:
    properties = cupy.cuda.runtime.getDeviceProperties(index)
    capability = cupy.cuda.Device(index).compute_capability  # such as "90"
    free, memory = cupy.cuda.Device(index).mem_info
    name = properties["name"].decode()
    return Gpu(index, name, f"{capability[:-1]}.{capability[-1]}", free, memory)


def _version(number: int) -> str | None:
    return f"{number // 1000}.{number % 1000 // 10}" if number else None


def _reason(error: BaseException) -> str:
    """Return the line of an error that says most.

    That is the first, but CuPy puts what went wrong at the end of a text between two rules.
    """
    lines = [line.strip() for line in str(error).strip().splitlines()]
    telling = [line for line in lines if any(map(str.isalnum, line))]
    if not telling:
        return repr(error)
    return telling[0] if telling[0] == lines[0] else telling[-1]
