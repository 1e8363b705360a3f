"""Where arrays live and who computes on them: NumPy on a CPU, CuPy on a CUDA device."""

from __future__ import annotations

import re

from backends.base import Array, Backend, BackendError, Memory
from backends.cpu import CpuBackend

__all__ = ["Array", "Backend", "BackendError", "Memory", "get_backend"]


def get_backend(device: str = "cpu") -> Backend:
    """Open a device.

    Args:
        device: ``"cpu"``; ``"cuda"`` or ``"cuda:N"`` for the N-th CUDA device, which never falls
            back to another; or ``"auto"`` for the first CUDA device where one works and the CPU
            where none does. The result's ``name`` says which it is.

    Raises:
        BackendError: if there is no such device or it cannot be used, with the reason.
    """
    if device == "cpu":
        return CpuBackend()
    if device == "auto":
        try:
            return _cuda(0)
        except BackendError:
            return CpuBackend()
    if match := re.fullmatch(r"cuda(?::(\d+))?", device):
        return _cuda(int(match[1] or 0))
    raise BackendError(f"there is no device {device!r}: choose auto, cpu, cuda or cuda:N")


def _cuda(index: int) -> Backend:
    from backends.cuda import CudaBackend  # CuPy is imported only when it is asked for

    return CudaBackend(index)
