"""CuPy's functions as the layers call them, a few of them replaced."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.base import Array
from backends.cuda.blas import Blas, can_multiply, can_multiply_stacks
from backends.cuda.kernels import C_TYPES, Kernels
from backends.cuda.pixels import PixelProducts, Pixels
from backends.cuda.queue import Queue


class CudaNamespace:
    """CuPy, with its matrix product, column sums, gather of rows and unit matrix replaced.

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
        self._take_rows = queue.entering(kernels.take)
        self._take = queue.entering(cupy.take)
        self._sum = queue.entering(cupy.sum)

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._cupy, name)
        if callable(function) and not isinstance(function, type):
            function = self._queue.entering(function)
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
            return self._column_sums(a, out)
        return self._sum(a, axis=axis, out=out, keepdims=keepdims)
