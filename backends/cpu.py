"""NumPy on the host's processor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backends.base import Memory
from backends.compiled import compiled
from backends.host import free_bytes, peak_bytes, usable_cores
from backends.native import open_replay
from backends.tape import Tape, recording

WORKING_SET_BYTES = 4 << 20
"""The bytes of a micro-batch's images, activations and gradients that fit a core's cache; see
bench/LOG.md."""

SPAN = 32
"""Updates whose images are gathered at once: enough to make the cost of gathering negligible."""

CHUNK = 65536
"""Elements that an elementwise chain works on at once, so that they stay in a fast cache."""


class CpuBackend:
    """The host's processor; see `backends.base.Backend` for the members.

    Args:
        graph: whether repeated steps are recorded.
    """

    def __init__(self, graph: bool = True) -> None:
        self.name = "cpu"
        self._graph = graph
        if graph:
            open_replay()  # compiled here, and not in a step that is timed, nor by each worker
        self.xp = CpuNamespace()

    def __repr__(self) -> str:
        return f"CpuBackend(graph={self._graph})"

    def asarray(self, array: NDArray[Any], dtype: DTypeLike | None = None) -> NDArray[Any]:
        """Return the array itself, or a copy where the dtype differs."""
        return np.asarray(array, dtype=dtype)

    def to_numpy(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the array itself."""
        return array

    def synchronize(self) -> None:
        """Return at once: NumPy's calls are done when they return."""

    def fuse(self, function: Callable[..., None]) -> Callable[..., None]:
        """Run the chain on one cache-sized chunk after another, if arrays are flat and large."""

        def fused(*arguments: Any) -> None:
            length = len(arguments[0])
            if arguments[0].ndim != 1 or length <= CHUNK:
                function(self.xp, *arguments)
                return
            for start in range(0, length, CHUNK):
                chunk = slice(start, start + CHUNK)
                function(self.xp, *(a[chunk] if np.size(a) == length else a for a in arguments))

        return fused

    def capture(self, step: Callable[[], Any]) -> Callable[[], Any]:
        """Record the second call of ``step``; repeat its calls, most in compiled stretches."""
        return Tape(step, compiled) if self._graph else step

    def memory(self) -> Memory:
        """Read the process's peak and the machine's free memory."""
        return Memory(
            free=free_bytes(),
            peak=peak_bytes(),
            working_set=WORKING_SET_BYTES,
            span=SPAN,
            workers=usable_cores(),
        )


class CpuNamespace:
    """NumPy, with a few functions replaced by ones that are faster for a network's shapes."""

    def __init__(self) -> None:
        self._vectors: dict[tuple[int, str], NDArray[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        return function if recording.calls is None else partial(self._run, function)

    def matmul(self, a: NDArray[Any], b: NDArray[Any], out: NDArray[Any] | None = None) -> Any:
        """``numpy.matmul``; of two matrices ``numpy.dot``, whose calls cost less."""
        alike = out is not None and a.dtype == b.dtype == out.dtype and out.flags.c_contiguous
        flat = alike and a.ndim <= 2 and b.ndim == 2
        return self._run(np.dot if flat else np.matmul, a, b, out=out)

    def take(self, a: NDArray[Any], indices: NDArray[Any], axis: int, out: NDArray[Any]) -> Any:
        """``numpy.take`` into ``out``, without the check of each index.

        With the default ``mode="raise"`` NumPy gathers into a buffer of its own first.
        """
        return self._run(np.take, a, indices, axis=axis, out=out, mode="clip")

    def sum(
        self,
        a: NDArray[Any],
        axis: int | None = None,
        out: NDArray[Any] | None = None,
        keepdims: bool = False,
    ) -> Any:
        """``numpy.sum``; the sums of a matrix's columns or rows as a product with ones."""
        if axis == 0 and a.ndim == 2 and not keepdims:
            return self.matmul(self._ones(a.shape[0], a.dtype), a, out=out)
        if axis == 1 and a.ndim == 2 and keepdims:
            return self.matmul(a, self._ones(a.shape[1], a.dtype)[:, None], out=out)
        return self._run(np.add.reduce, a, axis=axis, out=out, keepdims=keepdims)

    def max(self, a: NDArray[Any], axis: int, out: NDArray[Any], keepdims: bool = False) -> Any:
        """``numpy.max``; for a tall matrix's rows, over the columns of a transposed copy."""
        if axis == 1 and a.ndim == 2 and keepdims and a.shape[1] < a.shape[0]:
            columns = np.empty(a.T.shape, a.dtype)  # (C, N), kept by the tape
            self._run(np.copyto, columns, a.T)
            self._run(np.maximum.reduce, columns, axis=0, out=out[:, 0])
            return out
        return self._run(np.maximum.reduce, a, axis=axis, out=out, keepdims=keepdims)

    def _run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if recording.calls is None:
            return function(*args, **kwargs)
        out = args[0] if function is np.copyto else kwargs.get("out")
        if out is None:
            raise RuntimeError(f"{function} was called without out= in a captured step")
        args = tuple(_as_array(function, a, out) for a in args)
        if isinstance(function, np.ufunc) and all(_is_single(a) for a in (*args, out)):
            kwargs["out"] = single = out.reshape(1)
            args = tuple(single if a is out else a.reshape(1) for a in args)
        if function in _TAKE_OUT_BY_PLACE and kwargs.keys() == {"out"}:
            args, kwargs = (*args, kwargs["out"]), {}
        call = partial(function, *args, **kwargs)
        recording.calls.append(call)
        call()
        return out

    def _ones(self, length: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        key = (length, dtype.char)
        if key not in self._vectors:
            self._vectors[key] = np.ones(length, dtype)
        return self._vectors[key]


_TAKE_OUT_BY_PLACE = {np.dot} | {
    function
    for function in vars(np).values()
    if isinstance(function, np.ufunc) and function not in (np.maximum, np.minimum)
}
"""Functions that are given ``out`` by position, which NumPy parses faster than a keyword."""


def _as_array(function: Callable[..., Any], value: Any, out: NDArray[Any]) -> Any:
    """Convert a number into an array once, which NumPy would do at each call.

    `numpy.maximum` is slow with a single number and fast with a whole array of it.
    """
    if not isinstance(value, float):
        return value
    alike = function is np.maximum or out.size == 1
    return np.full(out.shape if alike else (), value, out.dtype)


def _is_single(value: Any) -> bool:
    """Tell whether this is an array of one element, which NumPy handles fastest in 1-D."""
    return isinstance(value, np.ndarray) and value.size == 1
