"""Matrix products by a cuBLAS handle of our own.

CuPy sets the stream of its handle at every call, and refuses to do so while a graph is captured
(github.com/cupy/cupy/issues/6290). This handle gets its stream and its workspace once.
"""

from __future__ import annotations

import ctypes
import weakref
from ctypes import byref, c_double, c_float, c_int, c_longlong, c_size_t, c_void_p
from typing import Any

import numpy as np

from backends.base import PRECISIONS, Array, BackendError

WORKSPACE_BYTES = 32 << 20
"""The size that NVIDIA recommends for Hopper; without a workspace cuBLAS allocates as it runs."""

COMPUTE_TYPES = dict(zip(PRECISIONS, (68, 77, 75), strict=True))
"""cublasComputeType_t for float32 arrays: 32F, 32F_FAST_TF32, 32F_FAST_16BF."""

_OP_N, _OP_T = 0, 1
_CUDA_R_32F, _CUDA_R_64F, _CUDA_R_16BF = 0, 1, 14
_COMPUTE_64F = 70
_GEMM_DEFAULT = -1
_LARGEST = 2**31 - 1
"""The largest number of an int, in which cuBLAS is told how far rows are apart."""


class Blas:
    """A cuBLAS handle that works on one stream, with one workspace.

    Args:
        library: cuBLAS, as `load_cublas` returns it.
        stream: the address of the stream.
        workspace: device memory of WORKSPACE_BYTES, kept as long as the handle.
        precision: what products of float32 arrays are computed in, one of PRECISIONS.
    """

    def __init__(self, library: Any, stream: int, workspace: Any, precision: str) -> None:
        self._library = library
        self._workspace = workspace
        self._gemm = library.cublasGemmEx
        operand = [c_void_p, c_int, c_int]  # address, dtype, leading dimension
        self._gemm.argtypes = [
            *[c_void_p, c_int, c_int, c_int, c_int, c_int, c_void_p],
            *[*operand, *operand, c_void_p, *operand, c_int, c_int],
        ]
        self._gemms = library.cublasGemmStridedBatchedEx
        matrices = [*operand, c_longlong]  # and how far one is from the next
        self._gemms.argtypes = [
            *[c_void_p, c_int, c_int, c_int, c_int, c_int, c_void_p],
            *[*matrices, *matrices, c_void_p, *matrices, c_int, c_int, c_int],
        ]
        self._float = (
            byref(c_float(1.0)),
            byref(c_float(0.0)),
            _CUDA_R_32F,
            COMPUTE_TYPES[precision],
        )
        self._double = byref(c_double(1.0)), byref(c_double(0.0)), _CUDA_R_64F, _COMPUTE_64F
        self._handle = c_void_p()
        _check("cublasCreate", library.cublasCreate_v2(byref(self._handle)))
        weakref.finalize(self, library.cublasDestroy_v2, self._handle).atexit = False
        _check("cublasSetStream", library.cublasSetStream_v2(self._handle, c_void_p(stream)))
        address, size = c_void_p(workspace.ptr), c_size_t(WORKSPACE_BYTES)
        _check(
            "cublasSetWorkspace",  # after the stream, since setting the stream drops the workspace
            library.cublasSetWorkspace_v2(self._handle, address, size),
        )

    def matmul(self, a: Array, b: Array, out: Array) -> Array:
        """Write ``a @ b``, of shapes (m, k) and (k, n), to ``out``, (m, n).

        `can_multiply` must hold for them.

        cuBLAS reads arrays column by column: to it, ``out`` is its own transpose bᵀ aᵀ, so the
        operands go in swapped, each with the width of its rows in memory.
        """
        (m, k), n = a.shape, b.shape[1]
        one, zero, dtype, compute = self._double if out.dtype.char == "d" else self._float
        a_layout, b_layout = _layout(a), _layout(b)
        assert a_layout is not None
        assert b_layout is not None
        (transposed_a, width_a), (transposed_b, width_b) = a_layout, b_layout
        status = self._gemm(
            *(self._handle, transposed_b, transposed_a, n, m, k, one),
            *(b.data.ptr, dtype, width_b, a.data.ptr, dtype, width_a),
            *(zero, out.data.ptr, dtype, n, compute, _GEMM_DEFAULT),
        )
        _check("cublasGemmEx", status)
        return out

    def matmul_stacks(self, a: Array, b: Array, out: Array) -> Array:
        """Write S products ``a @ b``, of shapes (S, m, k) and (S, k, n), to ``out``, (S, m, n).

        `can_multiply_stacks` must hold for them; or both factors are bits of bf16, uint16, which
        are summed in float32. One of the factors may be a single matrix, for all of the other's.
        """
        (count, m, n), k = out.shape, a.shape[-1]
        one, zero, dtype, compute = self._double if out.dtype.char == "d" else self._float
        factors = dtype
        if a.dtype == np.uint16:
            factors, compute = _CUDA_R_16BF, COMPUTE_TYPES["float32"]
        layouts = map(_layout, (_first(a), _first(b), _first(out)))
        apart = [x.strides[0] // x.dtype.itemsize if x.ndim == 3 else 0 for x in (a, b, out)]
        (transposed_a, width_a), (transposed_b, width_b), (_, width) = filter(None, layouts)
        status = self._gemms(
            *(self._handle, transposed_b, transposed_a, n, m, k, one),
            *(b.data.ptr, factors, width_b, apart[1], a.data.ptr, factors, width_a, apart[0]),
            *(zero, out.data.ptr, dtype, width, apart[2], count, compute, _GEMM_DEFAULT),
        )
        _check("cublasGemmStridedBatchedEx", status)
        return out


def can_multiply(a: Array, b: Array, out: Array | None) -> bool:
    """Tell whether `Blas.matmul` can do this product: of matrices of one float dtype.

    The result must be contiguous, and the factors lie in contiguous rows or columns.
    """
    return (
        out is not None
        and a.ndim == b.ndim == out.ndim == 2
        and a.dtype == b.dtype == out.dtype
        and out.dtype.char in "fd"
        and out.flags.c_contiguous
        and out.size > 0
        and a.shape[1] > 0
        and _layout(a) is not None
        and _layout(b) is not None
    )


MOST_PRODUCTS = 65_535
"""As many products one call takes: the most blocks of a grid along its third side."""


def can_multiply_stacks(a: Array, b: Array, out: Array | None) -> bool:
    """Tell whether `Blas.matmul_stacks` can do these products: of matrices of one float dtype.

    The results must lie in rows, with any room between them, and the factors in rows or columns.
    """
    return (
        out is not None
        and out.ndim == 3
        and sorted((a.ndim, b.ndim)) in ([2, 3], [3, 3])
        and {len(x) for x in (a, b) if x.ndim == 3} == {len(out)}
        and len(out) <= MOST_PRODUCTS
        and a.dtype == b.dtype == out.dtype
        and out.dtype.char in "fd"
        and out.size > 0
        and a.shape[-1] > 0
        and _layout(_first(a)) is not None
        and _layout(_first(b)) is not None
        and (_layout(out[0]) or (_OP_T, 0))[0] == _OP_N
    )


def load_cublas(cuda_major: int) -> Any:
    """Open the cuBLAS that CuPy uses.

    Args:
        cuda_major: the CUDA version that CuPy is built for, such as 12.

    Raises:
        BackendError: if it cannot be found.
    """
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib  # comes with CuPy from 14 on

        path = load_nvidia_dynamic_lib("cublas").abs_path
    except Exception:  # with CuPy 13, neither the module nor its exceptions exist
        path = None
    last: OSError | None = None
    for name in filter(None, (path, f"libcublas.so.{cuda_major}", f"cublas64_{cuda_major}.dll")):
        try:
            return ctypes.CDLL(name)
        except OSError as error:
            last = error
    raise BackendError(
        f"cuBLAS cannot be loaded ({last}): install the CUDA libraries that CuPy needs with "
        f"pip install 'cupy-cuda{cuda_major}x[ctk]'"
    )


def _first(a: Array) -> Array:
    """Return the first matrix of a stack, or the matrix itself."""
    return a[0] if a.ndim == 3 else a


def _layout(a: Array) -> tuple[int, int] | None:
    """Return how cuBLAS reads a matrix, told by its strides; None if it cannot.

    It reads rows that are contiguous, or columns, with any room between one and the next: a matrix
    as it lies, a transposed one, and parts of rows or of columns of either.

    Returns:
        The operation, and how many elements its rows, or its columns, are apart.
    """
    (rows, columns), (down, right) = a.shape, a.strides
    width = a.dtype.itemsize
    # What is said of a stride along which there is one element alone is of no account.
    if columns == 1 or right == width:
        apart = down // width if rows > 1 else columns
        if down % width == 0 and columns <= apart <= _LARGEST:
            return _OP_N, apart
    if rows == 1 or down == width:
        apart = right // width if columns > 1 else rows
        if right % width == 0 and rows <= apart <= _LARGEST:
            return _OP_T, apart
    return None


def _check(call: str, status: int) -> None:
    if status != 0:
        raise BackendError(
            f"{call} failed with cuBLAS status {status}: run mlp doctor, which looks for the cause"
        )
