"""CuPy on a CUDA device. The one file that imports CuPy, and only when a device is opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backends.base import Array, BackendError, Memory

PIECE_SHARE = 8
"""One piece of a large batch may fill one part in so many of the device's free memory."""


class CudaBackend:
    """One CUDA device; see `backends.base.Backend` for the members.

    Args:
        index: which of the visible devices, from 0.

    Raises:
        BackendError: if CuPy, the driver, a device or a library that CuPy needs is missing.
    """

    def __init__(self, index: int = 0) -> None:
        cupy = _import_cupy()
        _check_driver(cupy)
        _check_device(cupy, index)
        self.name = f"cuda:{index}"
        self.xp = CudaNamespace(cupy)
        self._cupy = cupy
        self._device = cupy.cuda.Device(index)
        self._device.use()
        _smoke_test(cupy)

    def asarray(self, array: NDArray[Any], dtype: DTypeLike | None = None) -> Array:
        """Copy a host array to the device, which becomes the one that this thread computes on."""
        self._device.use()
        return self._cupy.asarray(array, dtype=dtype)

    def to_numpy(self, array: Array) -> NDArray[Any]:
        """Copy a device array to the host."""
        host: NDArray[Any] = self._cupy.asnumpy(array)
        return host

    def synchronize(self) -> None:
        """Wait for all work on the device."""
        self._device.synchronize()

    def fuse(self, function: Callable[..., None]) -> Callable[..., None]:
        """Compile the whole chain into one kernel, at its first call."""

        def bound(*arrays: Array) -> None:
            function(self._cupy, *arrays)

        fused: Callable[..., None] = self._cupy.fuse(kernel_name=function.__name__)(bound)
        return fused

    def capture(self, step: Callable[[], Any]) -> Callable[[], Any]:
        """Return ``step``: each of its operations is launched anew at each call."""
        return step

    def memory(self) -> Memory:
        """Read the driver's and the pool's counters."""
        pool = self._cupy.get_default_memory_pool()
        driver_free, _ = self._device.mem_info
        free = driver_free + pool.free_bytes()
        return Memory(free=free, peak=pool.total_bytes(), piece=free // PIECE_SHARE)


class CudaNamespace:
    """CuPy, with the few functions replaced that are slow for a network's shapes."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._ones: dict[tuple[int, str], Array] = {}

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._cupy, name)
        setattr(self, name, function)  # found directly from the second time on
        return function

    def sum(
        self,
        a: Array,
        axis: int | None = None,
        out: Array | None = None,
        keepdims: bool = False,
    ) -> Array:
        """``cupy.sum``; the column sums of a matrix as a product with a row of ones.

        CuPy's reduction over the first axis of a tall matrix runs in a handful of blocks.
        """
        if axis == 0 and a.ndim == 2 and out is not None and not keepdims:
            ones = self._row_of_ones(len(a), a.dtype)  # (1, N)
            return self._cupy.matmul(ones, a, out=out.reshape(1, -1)).reshape(-1)
        return self._cupy.sum(a, axis=axis, out=out, keepdims=keepdims)

    def _row_of_ones(self, length: int, dtype: np.dtype[Any]) -> Array:
        key = (length, dtype.char)
        if key not in self._ones:
            self._ones[key] = self._cupy.ones((1, length), dtype)
        return self._ones[key]


def _import_cupy() -> Any:
    try:
        import cupy
    except ImportError as error:
        raise BackendError(
            f"CuPy cannot be imported ({error}): install it with "
            "pip install 'mlp[cuda]' for CUDA 12 or pip install 'mlp[cuda13]' for CUDA 13"
        ) from error
    return cupy


def _check_driver(cupy: Any) -> None:
    """Tell a missing driver, an old one and the lack of a device apart."""
    runtime = cupy.cuda.runtime
    driver = runtime.driverGetVersion()
    needed = runtime.runtimeGetVersion()
    if driver == 0:
        raise BackendError(
            "no NVIDIA driver is loaded: install one, or run where nvidia-smi lists a GPU"
        )
    if driver // 1000 < needed // 1000:
        raise BackendError(
            f"the NVIDIA driver serves CUDA up to {_version(driver)} but CuPy was built for "
            f"{_version(needed)}: update the driver, or install the CuPy wheel for the older CUDA"
        )


def _check_device(cupy: Any, index: int) -> None:
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise BackendError(
            f"the NVIDIA driver lists no device ({error}): check nvidia-smi and "
            "CUDA_VISIBLE_DEVICES"
        ) from error
    if count == 0:
        raise BackendError("no CUDA device is visible: check nvidia-smi and CUDA_VISIBLE_DEVICES")
    if index >= count:
        raise BackendError(f"there is no cuda:{index}: the devices are cuda:0 to cuda:{count - 1}")


def _smoke_test(cupy: Any) -> None:
    """Touch each library that training needs, since one that is missing shows at its first use."""
    try:
        a = cupy.ones((2, 2), dtype=np.float32)
        total = float(cupy.matmul(a, a).sum())  # a compiled kernel, a reduction, a product
    except Exception as error:  # CuPy raises a different type for each missing library
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise BackendError(
            f"the device was found but a first computation failed ({reason}): install the CUDA "
            "libraries that CuPy needs with pip install 'mlp[cuda]' (or 'mlp[cuda13]')"
        ) from error
    if total != 8.0:
        raise BackendError(f"the device computes wrongly: a sum that is 8 came out as {total}")


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
