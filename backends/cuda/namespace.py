"""CuPy's functions as the layers call them, a few of them replaced."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from backends.base import Array
from backends.cuda.blas import Blas, can_multiply, can_multiply_stacks
from backends.cuda.fusion import Bias, Chained
from backends.cuda.kernels import Kernels
from backends.cuda.pixels import PixelProducts, Pixels
from backends.cuda.queue import Queue
from backends.cuda.source import C_TYPES

ALLOCATE = ("empty", "empty_like", "zeros", "zeros_like")
"""Functions that make an array which nobody knows yet: what is held back can wait."""


class CudaNamespace:
    """CuPy, with a few functions of its own.

    Args:
        cupy: the module.
        queue: the queue that every call enters.
        blas: for products of matrices.
        kernels: for column sums and gathers.
    """

    def __init__(self, cupy: Any, queue: Queue, blas: Blas, kernels: Kernels) -> None:
        self._cupy, self._queue, self._blas = cupy, queue, blas
        self._column_sums = queue.entering(kernels.column_sums)
        self._of_pixels = queue.entering(PixelProducts(cupy, blas, kernels).matmul)
        self._add = queue.entering(cupy.add)
        self._take_rows = queue.entering(kernels.take)
        self._take = queue.entering(cupy.take)
        self._sum = queue.entering(cupy.sum)

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._cupy, name)
        if callable(function) and not isinstance(function, type):
            function = self._queue.entering(function, keeps=name in ALLOCATE)
        setattr(self, name, function)  # found directly from the second time on
        return function

    def matmul(self, a: Array, b: Array, out: Array | None = None) -> Array:
        """``cupy.matmul``; for matrices by our own handle, which a graph can capture.

        Of `Pixels`, by tensor cores.
        """
        if isinstance(a, Pixels):
            out = self._cupy.empty((len(a), b.shape[1]), b.dtype) if out is None else out
            return self._of_pixels(a, b, out)
        self._queue.enter()
        if can_multiply(a, b, out):
            return self._blas.matmul(a, b, out)
        if can_multiply_stacks(a, b, out):
            return self._blas.matmul_stacks(a, b, out)
        try:
            return self._cupy.matmul(a, b, out=out)
        except self._cupy.cuda.memory.OutOfMemoryError as error:
            raise self._queue.full() from error

    def add(self, a: Array, b: Any, out: Array | None = None) -> Array:
        """``cupy.add``; in a step, what follows may add a bias to the rows of a matrix."""
        if not (self._queue.holds and out is a and _is_bias(a, b)):
            return self._add(a, b, out=out)
        self._queue.enter()
        self._queue.held = Bias(a, b, partial(self._add, a, b, out=out))
        return out

    def take(self, a: Array, indices: Array, axis: int, out: Array | None = None) -> Array:
        """``cupy.take``; of rows by a kernel of our own, one for all dtypes."""
        rows = (
            axis == 0
            and out is not None
            and a.size > 0
            and out.size > 0
            and a.dtype == out.dtype
            and indices.dtype == np.int64
            and all(array.flags.c_contiguous for array in (a, indices, out))
        )
        if rows:
            return self._take_rows(a, indices, out)
        return self._take(a, indices, axis=axis, out=out)

    def eye(self, N: int, dtype: Any = None) -> Array:
        """``cupy.eye``, brought from the host, where it takes no kernel to be compiled."""
        self._queue.enter()
        return self._cupy.asarray(np.eye(N, dtype=dtype))

    def ones(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        """``cupy.ones``, likewise."""
        self._queue.enter()
        return self._cupy.asarray(np.ones(shape, dtype))

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
            held = self._queue.held
            joined = held.fused.with_sums(held, a) if isinstance(held, Chained) else None
            if joined is None:
                return self._column_sums(a, out)
            self._queue.held = None
            return self._column_sums(a, out, *joined)
        return self._sum(a, axis=axis, out=out, keepdims=keepdims)


def _is_bias(a: Array, b: Any) -> bool:
    """Tell whether ``b`` is a row for all rows of ``a``, and a kernel can read both."""
    return (
        getattr(b, "ndim", 0) == 1
        and a.ndim == 2
        and 1 < b.size == a.shape[1]
        and a.size < 2**31
        and a.dtype == b.dtype
        and a.dtype.char in C_TYPES
        and a.flags.c_contiguous
        and b.flags.c_contiguous
    )
