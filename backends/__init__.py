"""The devices that arrays live on: a CPU with NumPy, or a CUDA device with CuPy."""

from __future__ import annotations

import re
from difflib import get_close_matches

from backends.base import (
    PRECISIONS,
    Array,
    Backend,
    BackendError,
    Memory,
    keep_pixels,
    kernel,
    kernel_of,
    scratch,
)
from backends.compiled import compiled
from backends.cpu import CpuBackend
from backends.host import usable_cores
from backends.tape import Wait, on_replay

__all__ = [
    "PRECISIONS",
    "Array",
    "Backend",
    "BackendError",
    "Memory",
    "Wait",
    "compiled",
    "get_backend",
    "keep_pixels",
    "kernel",
    "kernel_of",
    "on_replay",
    "scratch",
    "usable_cores",
]


def get_backend(device: str = "cpu", *, precision: str = "float32", graph: bool = True) -> Backend:
    """Open a device.

    Args:
        device: ``"cpu"``; ``"cuda"`` or ``"cuda:N"`` for the N-th CUDA device, which never falls
            back to another; or ``"auto"`` for the first CUDA device if it works, and else the
            CPU. The result's ``name`` says which it is.
        precision: of products of float32 matrices: ``"float32"``, or on CUDA ``"tf32"`` or
            ``"bf16"``, which round their factors to 11 or 8 significant bits. Arrays are stored
            in full all the same.
        graph: whether repeated steps are captured; if not, each operation is called anew.

    Raises:
        BackendError: if there is no such device or it cannot be used, with the reason.
    """
    if precision not in PRECISIONS:
        raise BackendError(
            f"there is no precision {precision!r}: choose one of {', '.join(PRECISIONS)}"
        )
    if match := re.fullmatch(r"cuda(?::(\d+))?", device):
        return _cuda(int(match[1] or 0), precision, graph)
    if device == "auto":
        try:
            return _cuda(0, precision, graph)
        except BackendError:
            pass
    elif device != "cpu":
        near = get_close_matches(device.lower(), ("auto", "cpu", "cuda"), 1)
        meant = "cuda" if device.lower() in ("gpu", "nvidia") else next(iter(near), None)
        told = f" (did you mean {meant}?)" if meant else ""
        raise BackendError(f"there is no device {device!r}{told}: choose auto, cpu, cuda or cuda:N")
    if precision != "float32":
        raise BackendError(
            f"the CPU computes in full precision only: leave {precision} out, or use a CUDA device"
        )
    return CpuBackend(graph)


def _cuda(index: int, precision: str, graph: bool) -> Backend:
    from backends.cuda import CudaBackend  # CuPy is imported only when it is asked for

    return CudaBackend(index, precision, graph)
