"""cuBLAS on a stand-in for a device: products on addresses, rounded as tensor cores round."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, c_int, c_longlong, c_size_t, c_void_p
from typing import Any

import numpy as np
from cupy_stand_in import Device, DeviceArray, StandIn


class Cublas:
    """Stands in for the cuBLAS library: prototypes as in cublas_v2.h, products on addresses.

    Args:
        cupy: where calls are noted.
        failing: the name of a function that returns a status of failure.
    """

    HANDLE = 0xB1A5

    def __init__(self, cupy: StandIn, failing: str | None = None) -> None:
        self._cupy, self._failing = cupy, failing
        self.calls: list[str] = []
        operand = (c_void_p, c_int, c_int)
        self.cublasCreate_v2 = self._function("cublasCreate", self._create, POINTER(c_void_p))
        self.cublasDestroy_v2 = self._function("cublasDestroy", self._destroy, c_void_p)
        self.cublasSetStream_v2 = self._function(
            "cublasSetStream", self._set_stream, c_void_p, c_void_p
        )
        self.cublasSetWorkspace_v2 = self._function(
            "cublasSetWorkspace", self._set_workspace, c_void_p, c_void_p, c_size_t
        )
        self.cublasGemmEx = self._function(
            "cublasGemmEx",
            self._gemm,
            *(c_void_p, c_int, c_int, c_int, c_int, c_int, c_void_p, *operand, *operand),
            *(c_void_p, *operand, c_int, c_int),
        )

        several = (*operand, c_longlong)
        self.cublasGemmStridedBatchedEx = self._function(
            "cublasGemmStridedBatchedEx",
            self._gemms,
            *(c_void_p, c_int, c_int, c_int, c_int, c_int, c_void_p, *several, *several),
            *(c_void_p, *several, c_int, c_int, c_int),
        )

    def _function(self, name: str, body: Callable[..., int], *types: Any) -> Any:
        def call(*args: Any) -> int:
            self.calls.append(name)
            return 13 if name == self._failing else body(*args)

        return CFUNCTYPE(c_int, *types)(call)

    def _create(self, handle: Any) -> int:
        handle[0] = self.HANDLE
        return 0

    def _set_stream(self, handle: int, stream: int) -> int:
        self._stream = stream
        return 0

    def _set_workspace(self, handle: int, address: int, size: int) -> int:
        assert self._cupy.array_at(address).nbytes >= size
        self._workspace = address
        return self._ok(handle)

    def _destroy(self, handle: int) -> int:
        """Wait for the device, which breaks a capture, whoever captures."""
        self._cupy.broken_capture = self._cupy._capturing is not None
        return self._ok(handle)

    def _ok(self, handle: int, *_: Any) -> int:
        return 0 if handle == self.HANDLE else 1

    def _gemm(self, handle, transa, transb, m, n, k, alpha, *rest) -> int:  # type: ignore[no-untyped-def]
        A, Atype, lda, B, Btype, ldb, beta, C, Ctype, ldc, compute, algorithm = rest
        scalar = {68: ctypes.c_float, 75: ctypes.c_float, 77: ctypes.c_float, 70: ctypes.c_double}
        number = {0: np.float32, 1: np.float64}[Atype]
        if self._workspace not in self._cupy._owners:
            return 14  # the workspace was freed
        self._check_stream(handle)
        assert Atype == Btype == Ctype
        assert (scalar[compute] is ctypes.c_double) == (number is np.float64)
        assert algorithm == -1
        one, zero = (ctypes.cast(p, POINTER(scalar[compute]))[0] for p in (alpha, beta))
        assert (one, zero) == (1.0, 0.0)
        a = self._columns(A, lda, *((k, m) if transa else (m, k)), number)
        b = self._columns(B, ldb, *((n, k) if transb else (k, n)), number)
        c = self._columns(C, ldc, m, n, number)
        kept = {68: 24, 77: 11, 75: 8, 70: 53}[compute]

        def product(a: Any, b: Any, c: Any) -> None:
            left, right = rounded(a, kept), rounded(b, kept)
            c[...] = (left.T if transa else left) @ (right.T if transb else right)

        self._cupy.do("cublasGemmEx", product, a, b, c)
        return 0

    def _gemms(self, handle, transa, transb, m, n, k, alpha, *rest) -> int:  # type: ignore[no-untyped-def]
        """Multiply stacks of matrices; those of bf16 as a tensor core does: see `tensor_core`."""
        A, Atype, lda, a_next, B, Btype, ldb, b_next, beta, *rest = rest
        C, Ctype, ldc, c_next, count, compute, algorithm = rest
        if self._workspace not in self._cupy._owners:
            return 14  # the workspace was freed
        self._check_stream(handle)
        real = ctypes.c_double if Ctype == 1 else ctypes.c_float
        factor = {0: np.float32, 1: np.float64, 14: np.uint16}[Atype]
        number, kept = {0: np.float32, 1: np.float64}[Ctype], {68: 24, 77: 11, 75: 8, 70: 53}
        assert Atype == Btype
        assert (Atype, compute) == (14, 68) or (Atype == Ctype and (compute == 70) == (Atype == 1))
        assert Atype != 14 or int(Device.compute_capability) >= 80, "it takes no bf16"
        one, zero = (ctypes.cast(p, POINTER(real))[0] for p in (alpha, beta))
        assert (one, zero, algorithm) == (1.0, 0.0, -1)
        width, matrices = np.dtype(factor).itemsize, []
        for nth in range(count):
            left, right = (k, m) if transa else (m, k), (n, k) if transb else (k, n)
            to = C + np.dtype(number).itemsize * nth * c_next
            matrices += [
                self._columns(A + width * nth * a_next, lda, *left, factor),
                self._columns(B + width * nth * b_next, ldb, *right, factor),
                self._columns(to, ldc, m, n, number),
            ]

        def products(*matrices: Any) -> None:
            for a, b, c in zip(*[iter(matrices)] * 3, strict=True):
                a, b = a.T if transa else a, b.T if transb else b
                if Atype == 14:
                    c[...] = tensor_core(a, b)
                else:
                    c[...] = rounded(a, kept[compute]) @ rounded(b, kept[compute])

        self._cupy.do("cublasGemmStridedBatchedEx", products, *matrices)
        return 0

    def _check_stream(self, handle: int) -> None:
        assert handle == self.HANDLE
        current = self._cupy.current_stream[self._cupy.current_device]
        assert self._stream == current.ptr, "cuBLAS works on a stream that is not current"

    def _columns(self, address: int, leading: int, rows: int, columns: int, number: type) -> Any:
        """View memory as a matrix that lies column by column, as cuBLAS does."""
        assert leading >= rows > 0
        owner = self._cupy.array_at(address)
        memory, step = owner.reshape(-1).view(np.uint8), np.dtype(number).itemsize
        strides = (step, leading * step)
        offset = address - owner.ctypes.data
        return DeviceArray((rows, columns), number, memory, offset, strides)


def tensor_core(a: Any, b: Any) -> Any:
    """Multiply bits of bf16: exact products, added up 16 at a time to sums that are cut off.

    Fasi, Higham, Mikaitis and Pranesh, Numerical behavior of NVIDIA tensor cores (2021), found sums
    rounded towards zero; that of 16 exact products is taken to be exact here, in float64.
    """
    wide = [(np.asarray(m, np.uint32) << 16).view(np.float32).astype(np.float64) for m in (a, b)]
    sums = np.zeros((a.shape[0], b.shape[1]), np.float64)
    with np.errstate(all="ignore"):
        for k in range(0, a.shape[1], 16):
            sums = sums + wide[0][:, k : k + 16] @ wide[1][k : k + 16]
            nearest = sums.astype(np.float32)
            over = np.isfinite(sums) & (abs(nearest.astype(np.float64)) > abs(sums))
            sums = np.where(over, np.nextafter(nearest, np.float32(0)), nearest).astype(np.float64)
    return sums


def rounded(a: Any, bits: int) -> Any:
    """Round float32 numbers to so many significant bits, as a tensor core rounds its factors."""
    if bits >= 24:
        return a
    drop = 24 - bits
    raw = np.ascontiguousarray(a).view(np.uint32)
    return ((raw + (1 << (drop - 1))) >> drop << drop).view(np.float32)
