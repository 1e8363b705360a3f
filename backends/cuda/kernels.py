"""The hand-written kernels of `kernels.cu`, compiled and launched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from backends.base import Array
from backends.cuda.deform import Deform
from backends.cuda.source import C_TYPES, THREADS, source

BLOCKS = 512
"""The most blocks of a launch, on any GPU, so that sums come out the same on all of them."""

MOST_BLOCKS = 8192
"""The most blocks of a launch in which no thread needs another; beyond that, each does more."""


class Kernels:
    """The kernels of kernels.cu on the current device, compiled at their first use.

    Args:
        cupy: the module.
    """

    WRITTEN: ClassVar = (
        *("softmax_cross_entropy", "count_correct", "weighted_sums", "deform", "end_epoch"),
    )
    """The kernels that can replace a function, by the names given to `backends.kernel`."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._modules: dict[str, Any] = {}
        self._partial: dict[tuple[int, str], Array] = {}
        self._kept_tickets = {1: cupy.zeros(1, np.uint32)}
        self.deform = Deform(cupy)

    def written(self, name: str | None) -> tuple[Callable[..., None], Callable[..., bool]] | None:
        """Return the kernel of such a name, and what tells whether it can read some arguments.

        None if there is none.
        """
        if name not in self.WRITTEN:
            return None
        kernel = getattr(self, name)
        return kernel, getattr(kernel, "reads", _are_floats)

    def column_sums(
        self, a: Array, out: Array, kernel: Any = None, given: Sequence[Any] | None = None
    ) -> Array:
        """Write the sums over the rows of ``a``, shape (N, O), to ``out``, shape (O,).

        CuPy's own reduction over the first axis of a tall matrix runs in a handful of blocks.

        Args:
            a: what is added up.
            out: where the sums go.
            kernel: one that computes ``a`` first; that which reads it unless given.
            given: what this kernel takes in the place of ``a``.
        """
        rows, columns = a.shape
        rows_at_once = max(1, THREADS // columns)
        blocks = _blocks(rows, 8 * rows_at_once)  # so that each thread adds 8 numbers or more
        partial = self._room(blocks * columns, a.dtype)
        sizes, sums = (np.int64(rows), np.int32(columns)), (out, partial, self._tickets(1))
        kernel = kernel or self._kernel("column_sums", a.dtype)
        kernel((blocks,), (THREADS,), (*sizes, *(given or (a,)), *sums))
        return out

    def softmax_cross_entropy(
        self, outputs: Array, targets: Array, kept: Array, loss: Array, scale: float
    ) -> None:
        """Write -Σ t log p · scale of logits z (N, C), and its gradient, (p - t) · scale.

        p is softmax(z). Of S networks, whose rows alternate, the losses are of shape (S, 1).
        """
        number = outputs.dtype.type(scale)
        self._by_rows("softmax_cross_entropy", outputs, loss, number, outputs, targets, kept, loss)

    def count_correct(self, outputs: Array, targets: Array, total: Array) -> None:
        """Add the number of rows (N, C) whose largest output is where the target row has its 1.

        Of S networks, whose rows alternate, to ``total`` of shape (S, 1).
        """
        self._by_rows("count_correct", outputs, total, outputs, targets, total)

    def weighted_sums(self, weights: Array, rows: Array, sums: Array) -> None:
        """Write the products of stacks of matrices, (M, 1, K) and (M, K, W), to ``sums``.

        cuBLAS is known to fail above 65,535 of them, and is slow with so small ones.
        """
        terms, width = rows.shape[1:]
        self._by_elements(
            "weighted_sums", sums, np.int32(terms), np.int32(width), weights, rows, sums
        )

    def end_epoch(
        self, values: Array, finished: Array, row: Array, lost: Array, rows: Array, place: Array
    ) -> None:
        """Write a row (W,) to those of all epochs (E, W), at a place that goes on by one.

        And the values (n,) to ``finished``, unless a number of a row so far was not finite.
        """
        written = values, finished, row, lost, rows, place
        self._by_elements("end_epoch", values, np.int32(row.size), *written)

    def take(self, a: Array, rows: Array, out: Array) -> Array:
        """Write rows of ``a``, of any dtype and in the order of ``rows``, int64, to ``out``.

        A row that there is none of is the first or the last one, as on the CPU.
        """
        width = a[:1].nbytes
        words = width % 4 == 0 and a.data.ptr % 4 == 0
        word, name = (np.uint32, "take_rows") if words else (np.uint8, "take_rows_of_bytes")
        source, target = a.reshape(-1).view(word), out.reshape(-1).view(word)
        width //= np.dtype(word).itemsize
        arguments = np.int32(width), np.int64(len(a)), rows, source, target
        module = next(iter(self._modules), "f")  # which has it, whatever its floats are
        self._by_elements(name, target, *arguments, dtype=np.dtype(module))
        return out

    def split(self, a: Array, parts: Array) -> None:
        """Write ``a``, float32, (N, O), as three numbers of bf16 each to ``parts``, (N, 3 O …)."""
        widths = np.int32(a.shape[1]), np.int32(parts.shape[1])
        self._by_elements("split_in_three", a, *widths, a, parts)

    def add_parts(self, sums: Array, out: Array) -> None:
        """Write the sums over products and parts, (M, N, 3 O …), over 255 to ``out``, (N, O)."""
        widths = np.int32(out.shape[1]), np.int32(sums.shape[2]), np.int32(len(sums))
        self._by_elements("add_parts", out, *widths, sums, out)

    def to_bf16(self, bytes_: Array, bits: Array) -> None:
        """Write bytes as bf16: uint16, of the same shape."""
        self._by_elements("bytes_to_bf16", bits, bytes_, bits, dtype=np.dtype(np.float32))

    def _by_elements(
        self, name: str, elements: Array, *arguments: Any, dtype: np.dtype[Any] | None = None
    ) -> None:
        """Launch a kernel in which a thread works on one of some elements, or on several."""
        blocks = max(1, min(MOST_BLOCKS, -(-elements.size // THREADS)))
        kernel = self._kernel(name, dtype or elements.dtype)
        kernel((blocks,), (THREADS,), (np.int64(elements.size), *arguments))

    def _by_rows(self, name: str, outputs: Array, sums: Array, *arguments: Any) -> None:
        """Launch a kernel in which a thread works on a row of outputs (N, C), for sums (S, 1)."""
        (rows, classes), networks = outputs.shape, sums.size
        blocks = _blocks(rows // networks, THREADS) * networks
        room, tickets = self._room(blocks, outputs.dtype), self._tickets(networks)
        widths = np.int64(rows // networks), np.int32(classes), np.int32(networks)
        kernel = self._kernel(name, outputs.dtype)
        kernel((blocks,), (THREADS,), (*widths, *arguments, room, tickets))

    def _kernel(self, name: str, dtype: np.dtype[Any]) -> Any:
        if dtype.char not in self._modules:  # all of the file at once, which takes no longer
            self._modules[dtype.char] = self._cupy.RawModule(code=source(dtype))
        return self._modules[dtype.char].get_function(name)

    def _tickets(self, count: int) -> Array:
        """Return counters of blocks, 0, shape (count,), which are made once and kept."""
        if count not in self._kept_tickets:
            self._kept_tickets[count] = self._cupy.zeros(count, np.uint32)
        return self._kept_tickets[count]

    def _room(self, size: int, dtype: np.dtype[Any]) -> Array:
        """Return the array (size,) for the blocks' partial sums, which is made once and kept."""
        key = (size, dtype.char)
        if key not in self._partial:
            self._partial[key] = self._cupy.empty(size, dtype)
        return self._partial[key]


def _blocks(rows: int, rows_a_block: int) -> int:
    return max(1, min(BLOCKS, -(-rows // rows_a_block)))


def _are_floats(*given: Any) -> bool:
    """Tell whether all arrays lie in rows and are of one float dtype, but for single counters."""
    arrays = [a for a in given if not isinstance(a, (int, float))]
    dtype = arrays[0].dtype
    return dtype.char in C_TYPES and all(
        a.flags.c_contiguous and (a.dtype == dtype or (a.size == 1 and a.dtype == np.int64))
        for a in arrays
    )
