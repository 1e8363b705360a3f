"""Products of images of 8 bits on tensor cores, about as exact as those of float32.

A byte is exact in bf16, which has 8 significant bits. A float32 number has 24: it is the sum of
three numbers of 8, and so of bf16, without any rest. So x W is three products of bf16 matrices,
computed as one, x [W₁ W₂ W₃], and added up from the least; xᵀ dy likewise. Each product of two
elements is exact, and sums are of float32: what is left are the roundings of these sums, as in a
product of float32. Division by 255 comes last. docs/gpu.md tells where the error is larger.

Tensor cores cut the sums off instead of rounding them (Fasi, Higham, Mikaitis and Pranesh,
Numerical behavior of NVIDIA tensor cores, PeerJ Computer Science 7, 2021), and an error of one
sign grows with the number of terms. So they add up ROWS_AT_ONCE images at most, and a kernel that
rounds adds up the rest. Never run on hardware yet: tests hold it to float64 with sums that are cut
off in this way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.base import Array
from backends.cuda.blas import Blas
from backends.cuda.kernels import Kernels

PARTS = 3
"""Numbers of bf16 that make one of float32."""

ROWS_AT_ONCE = 2048
"""Images that a gradient is added up over by tensor cores."""

ALIGNED = 8
"""Elements of bf16 in 16 bytes: rows that begin at multiples of these are read fastest."""

WORTH_SPLITTING = 100_000_000
"""Multiplications of a product from which on splitting pays: it takes two kernels more, some
microseconds, in which a GPU does as many in float32. Predicted, not measured yet."""


class Pixels:
    """Rows of values of 8 bits, from 0 to 1: a byte b stands for b / 255.

    It takes part in `CudaNamespace.matmul` alone, as the left factor, itself or transposed.

    Args:
        bits: the bytes as bf16, of which NumPy has no dtype: uint16, shape (N, I), in rows.
        transposed: whether this is (I, N) instead.
    """

    ndim = 2

    def __init__(self, bits: Array, transposed: bool = False) -> None:
        self.bits, self.transposed = bits, transposed
        self.shape: tuple[int, int] = bits.shape[::-1] if transposed else bits.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Pixels:
        if self.transposed:
            raise TypeError("pixels are cut before they are transposed")
        return Pixels(self.bits[rows])

    @property
    def T(self) -> Pixels:  # noqa: N802 - NumPy's name
        """The same with rows and columns swapped."""
        return Pixels(self.bits, not self.transposed)

    def of(self, bits: Array) -> Pixels:
        """Return other rows, of bits of shape (n, I) that were copied from these."""
        return Pixels(bits)


class PixelProducts:
    """Products of pixels with matrices of float32, in rooms that are made once and kept.

    Args:
        cupy: the module.
        blas: for the products of bf16.
        kernels: that split a matrix, and add up products of its parts.
    """

    def __init__(self, cupy: Any, blas: Blas, kernels: Kernels) -> None:
        self._cupy, self._blas, self._kernels = cupy, blas, kernels
        self._rooms: dict[tuple[tuple[int, ...], str], Array] = {}

    def matmul(self, a: Pixels, b: Array, out: Array) -> Array:
        """Write ``a @ b``, of shapes (m, k) and (k, n), to ``out``, (m, n).

        Args:
            a: the images, or their transpose.
            b: float32, in rows.
            out: float32, in rows.

        Raises:
            TypeError: if a matrix is of another dtype or lies otherwise.
        """
        if any(m.dtype != np.float32 or not m.flags.c_contiguous for m in (b, out)):
            raise TypeError("pixels are multiplied with, and into, rows of float32")
        (m, k), n = a.shape, b.shape[1]
        apart = -(-PARTS * n // ALIGNED) * ALIGNED
        parts = self._room((k, apart), np.uint16)
        self._kernels.split(b, parts)
        factor, width = parts[:, : PARTS * n], slice(PARTS * n)
        most = ROWS_AT_ONCE if a.transposed else k
        whole, rest = divmod(k, most)
        sums = self._room((whole + (rest > 0), m, apart), np.float32)
        if not a.transposed:
            self._blas.matmul_stacks(a.bits[None], factor[None], sums[:, :, width])
        elif whole:
            rows = a.bits[: whole * most].reshape(whole, most, m).swapaxes(1, 2)
            factors = parts[: whole * most].reshape(whole, most, apart)[:, :, width]
            self._blas.matmul_stacks(rows, factors, sums[:whole, :, width])
        if rest:
            rows, last = a.bits[None, whole * most :].swapaxes(1, 2), factor[None, whole * most :]
            self._blas.matmul_stacks(rows, last, sums[whole:, :, width])
        self._kernels.add_parts(sums, out)
        return out

    def _room(self, shape: tuple[int, ...], dtype: type) -> Array:
        key = shape, np.dtype(dtype).char
        if key not in self._rooms:
            self._rooms[key] = self._cupy.empty(shape, dtype)
        return self._rooms[key]
