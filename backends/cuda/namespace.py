"""CuPy's functions as the layers call them, a few of them replaced by what suits a network."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from backends.base import Array, BackendError
from backends.cuda.blas import Blas, fits
from backends.cuda.kernels import C_TYPES, Kernels


class CudaNamespace:
    """CuPy, with its matrix product and column sums replaced.

    Args:
        cupy: the module.
        blas: for products of matrices.
        kernels: for column sums.
    """

    def __init__(self, cupy: Any, blas: Blas, kernels: Kernels) -> None:
        self._cupy, self._blas, self._kernels = cupy, blas, kernels

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._cupy, name)
        if callable(function) and not isinstance(function, type):
            function = told_when_full(self._cupy, function)
        setattr(self, name, function)  # found directly from the second time on
        return function

    def matmul(self, a: Array, b: Array, out: Array | None = None) -> Array:
        """``cupy.matmul``; of matrices in a form that a graph can capture."""
        if fits(a, b, out):
            return self._blas.matmul(a, b, out)
        return self._cupy.matmul(a, b, out=out)

    def sum(
        self,
        a: Array,
        axis: int | None = None,
        out: Array | None = None,
        keepdims: bool = False,
    ) -> Array:
        """``cupy.sum``; the column sums of a matrix by a kernel of our own."""
        columns = axis == 0 and a.ndim == 2 and out is not None and not keepdims
        if (
            columns
            and a.size > 0
            and a.dtype == out.dtype  # type: ignore[union-attr]
            and a.dtype.char in C_TYPES
            and a.flags.c_contiguous
            and out.flags.c_contiguous  # type: ignore[union-attr]
        ):
            return self._kernels.column_sums(a, out)
        return self._cupy.sum(a, axis=axis, out=out, keepdims=keepdims)


def told_when_full(cupy: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function that runs out of the device's memory say so in a sentence.

    Args:
        cupy: the module.
        function: any that may allocate on the device.

    Returns:
        The function, raising BackendError in place of CuPy's error.
    """

    @wraps(function)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except cupy.cuda.memory.OutOfMemoryError as error:
            free, total = cupy.cuda.Device().mem_info
            raise BackendError(
                f"the GPU's memory is full ({free >> 20:,} of {total >> 20:,} MiB are free): end "
                "what else runs there (nvidia-smi lists it), or take a smaller --batch-size, "
                "smaller layers or fewer images"
            ) from error

    return told
