"""One CUDA device: the backend's interface, implemented with CuPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backends.base import Array, Memory, kernel_of
from backends.cuda.blas import WORKSPACE_BYTES, Blas, load_cublas
from backends.cuda.checks import check_device, check_driver, import_cupy, reads_bf16, smoke_test
from backends.cuda.fusion import Fused
from backends.cuda.graph import CapturedStep
from backends.cuda.kernels import Kernels
from backends.cuda.namespace import CudaNamespace
from backends.cuda.nccl import CudaPeers
from backends.cuda.pixels import ALIGNED, WORTH_SPLITTING, Pixels
from backends.cuda.queue import of_device

WORKING_SET_SHARE = 8
"""A micro-batch may use 1/WORKING_SET_SHARE of the free memory."""

LARGEST_WORKING_SET = 4 << 30
"""Nor more bytes than this, so that no array of it, or of two gathered together, has 2³¹ elements:
more are counted in 64 bits, which is slower, and cuBLAS is told its sizes in 32."""

SLICE_BYTES = 64 << 20
"""A larger array is brought over in slices of this size. CuPy copies what it brings into pinned
memory, a power of two of it, which it keeps for as long as the process lives."""

PIXELS_SHARE = 2
"""Images take at most 1/PIXELS_SHARE of the free memory as bf16, twice the size of bytes."""

SPAN = 64
"""Updates that are captured as one graph: enough to hide the host's work between graphs, and few
enough that the warm-up is short, as the first two spans run as slowly as without a graph. Not
measured yet."""


class CudaBackend:
    """One CUDA device; see `backends.base.Backend` for the members.

    Args:
        index: which of the visible devices, from 0.
        precision: of products of float32 matrices: ``"float32"``, exact; ``"tf32"``, whose
            factors keep 11 significant bits; or ``"bf16"``, whose factors keep 8.
        graph: whether repeated steps are captured in CUDA graphs.

    Raises:
        BackendError: if CuPy, its driver, the device or a library that CuPy needs is missing.
    """

    def __init__(self, index: int = 0, precision: str = "float32", graph: bool = True) -> None:
        cupy = import_cupy()
        check_driver(cupy)
        check_device(cupy, index)
        self.name = f"cuda:{index}"
        self._cupy, self._precision, self._graph = cupy, precision, graph
        self._queue = of_device(cupy, index)
        self._queue.enter()
        smoke_test(cupy)
        self._kernels = Kernels(cupy)
        library = load_cublas(cupy.cuda.runtime.runtimeGetVersion() // 1000)
        workspace = self._queue.entering(cupy.cuda.alloc)(WORKSPACE_BYTES)
        blas = Blas(library, self._queue.stream.ptr, workspace, precision)
        self.xp = CudaNamespace(cupy, self._queue, blas, self._kernels)
        self.peers = CudaPeers(cupy, self._queue, index)

    def __repr__(self) -> str:
        index = self.name.removeprefix("cuda:")
        return f"CudaBackend({index}, {self._precision!r}, graph={self._graph})"

    def asarray(self, array: NDArray[Any], dtype: DTypeLike | None = None) -> Array:
        """Copy a host array to the device."""
        bring = self._bring if getattr(array, "nbytes", 0) > SLICE_BYTES else self._cupy.asarray
        return self._queue.entering(bring)(array, dtype=dtype)

    def _bring(self, array: NDArray[Any], dtype: DTypeLike | None) -> Array:
        """Copy a large array slice by slice, each when the one before has arrived."""
        cupy = self._cupy
        if isinstance(array, cupy.ndarray):
            return cupy.asarray(array, dtype=dtype)  # there already
        whole = cupy.empty(array.shape, dtype or array.dtype)
        rows = max(1, SLICE_BYTES * len(array) // array.nbytes)
        for start in range(0, len(array), rows):
            part = slice(start, start + rows)
            cupy.copyto(whole[part], cupy.asarray(array[part], dtype=dtype))
            self._queue.stream.synchronize()
        return whole

    def keep_pixels(self, images: NDArray[Any], rows: int, outputs: int) -> Pixels | None:
        """Keep images for products on tensor cores; see `backends.base.keep_pixels`."""
        pays = rows * images.shape[1] * outputs >= WORTH_SPLITTING
        fits = 2 * images.nbytes <= self.memory().free // PIXELS_SHARE
        takes = self._precision == "float32" and reads_bf16(self._queue.device.compute_capability)
        if not (pays and fits and takes and images.shape[1] % ALIGNED == 0):
            return None
        pixels: Pixels = self._queue.entering(self._as_pixels)(images)
        return pixels

    def _as_pixels(self, images: NDArray[Any]) -> Pixels:
        """Bring bytes to the device, slice by slice, and make bf16 of them."""
        bits = self._cupy.empty(images.shape, np.uint16)
        rows = max(1, SLICE_BYTES // images.shape[1])
        for start in range(0, len(images), rows):
            part = slice(start, start + rows)
            self._kernels.to_bf16(self._cupy.asarray(images[part]), bits[part])
            self._queue.stream.synchronize()
        return Pixels(bits)

    def to_numpy(self, array: Array) -> NDArray[Any]:
        """Copy a device array to the host."""
        self._queue.enter()
        host: NDArray[Any] = self._cupy.asnumpy(array)
        return host

    def synchronize(self) -> None:
        """Wait for all work on the device."""
        self._queue.device.synchronize()

    def fuse(self, function: Callable[..., None]) -> Callable[..., None]:
        """Return the kernel that is written for the function, or one made from its calls."""
        chain = Fused(function, self._cupy, self.xp, self._queue)
        written = self._kernels.written(kernel_of(function))
        if written is None:
            return self._queue.explaining(chain)  # which enters when it has looked behind it
        return self._queue.entering(partial(_where_it_reads, *written, chain))

    def capture(self, step: Callable[[], Any]) -> Callable[[], Any]:
        """Capture the second call of ``step`` in a CUDA graph, to be replayed from then on."""
        return CapturedStep(step, self._cupy, self._queue) if self._graph else step

    def memory(self) -> Memory:
        """Read the driver's and the pool's counters."""
        self._queue.enter()
        pool = self._cupy.get_default_memory_pool()
        driver_free, _ = self._queue.device.mem_info
        free = driver_free + pool.free_bytes()
        return Memory(
            free=free,
            peak=pool.total_bytes(),
            working_set=min(free // WORKING_SET_SHARE, LARGEST_WORKING_SET),
            span=SPAN,
            is_discrete=True,
        )


def _where_it_reads(
    kernel: Callable[..., None],
    reads: Callable[..., bool],
    chain: Callable[..., None],
    *given: Any,
) -> None:
    """Run a hand-written kernel where it can read the arguments, and the chain where it cannot."""
    (kernel if reads(*given) else chain)(*given)
