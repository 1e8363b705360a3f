"""Recorded calls as a table for one C function, which makes them without Python in between.

A call of NumPy on small arrays spends most of its time on the way into a loop: arguments are
parsed, a loop is chosen, an iterator is made. In each replay all of this comes to the same. So a
row of the table holds what it comes to: the address of the ufunc's own loop for these dtypes, and
what it is called with. As the same machine code computes on the same numbers in the same order, the
results are the same to the byte. Products are made by `numpy.matmul`'s loop, which gives BLAS the
arguments that `numpy.dot` gives it.

Calls that have no row stay as they are, between two stretches of calls that have. A `Wait` has a
row, so that workers meet within a stretch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backends.native import Loop, Replay, loops_of, open_replay
from backends.tape import Wait

Call = Callable[[], Any]
Array = NDArray[Any]

NUMBERS = "biufc"
"""The kinds of dtypes whose loops do without Python's lock, which the C function gives away."""


def compiled(calls: Sequence[Call]) -> list[Call]:
    """Replace stretches of recorded calls by one call each, where this machine allows it.

    Args:
        calls: as `backends.tape.record` returns them.

    Returns:
        Calls that do the same, a single one as it is unless it is a `Wait`, which then waits
        without Python's lock; except that a stretch never warns of numbers that are not finite,
        whatever `numpy.errstate` says.
    """
    replay = open_replay()
    if replay is None:
        return list(calls)
    result: list[Call] = []
    stretch: list[Call] = []
    rows: list[Row] = []

    def end_stretch() -> None:
        is_one = len(stretch) > 1 or any(row.wait for row in rows)
        result.extend([Stretch(replay, rows)] if is_one else stretch)
        stretch.clear()
        rows.clear()

    for call in calls:
        if own := rows_of(call):
            stretch.append(call)
            rows.extend(own)
        else:
            end_stretch()
            result.append(call)
    end_stretch()
    return result


class Row(NamedTuple):
    """Calls of a ufunc's loop along an outer axis; see ``replay.c``."""

    loop: Loop
    arrays: tuple[Array, ...]
    """Two or three, the last of which is written to."""
    shape: tuple[int, ...]
    steps: tuple[int, ...]
    repeats: int = 1
    jumps: tuple[int, ...] = ()

    wait: Wait | None = None
    """What is done instead of calls."""

    def numbers(self) -> list[int]:
        """Return what stands in the table."""
        places = [array.ctypes.data for array in self.arrays]
        columns = (self.shape, 4), (self.steps, 9), (self.jumps, 3), (places, 3)
        padded = [n for given, width in columns for n in (*given, *[0] * (width - len(given)))]
        return [*self.loop, self.repeats, *padded]


class Stretch:
    """Calls one after another, made by the C function.

    Args:
        replay: that function.
        rows: of the calls; their arrays live as long as this does.
    """

    def __init__(self, replay: Replay, rows: Sequence[Row]) -> None:
        self._rows = tuple(rows)
        self._table = table = np.array([row.numbers() for row in rows], np.intp)
        self._replay, self._start, self._size = replay, table.ctypes.data, table.strides[0]
        self._end = self._start + table.nbytes

    def __call__(self) -> None:
        """Make the calls."""
        start = self._start
        while (stopped := self._replay(start, self._end)) is not None:
            wait = self._rows[(stopped - self._start) // self._size].wait
            assert wait is not None
            wait.finish()
            start = stopped + self._size


def rows_of(call: Call) -> list[Row]:
    """Return the rows that do what a recorded call does; none if there are no such rows."""
    if isinstance(call, Wait):
        lines = call.counters
        own = lines[call.worker]
        return [Row((0, 0), (own, lines), (len(lines), call.polls), lines.strides[:1], wait=call)]
    if not isinstance(call, partial):
        return []
    function: Any = call.func
    args, options = list(call.args), dict(call.keywords)
    if function is np.copyto:
        function, args = np.positive, args[::-1]
    if getattr(function, "__name__", "") == "reduce":
        return _reduced(function.__self__, *args, **options)
    inputs = 2 if function is np.dot else getattr(function, "nin", -1)
    out = args.pop() if len(args) == inputs + 1 else options.pop("out", None)
    if options or len(args) != inputs or not _is_plain(out):
        return []
    if function in (np.dot, np.matmul):
        return _product(function, args[0], args[1], out)
    return _elementwise(function, args, out) if isinstance(function, np.ufunc) else []


def _elementwise(ufunc: np.ufunc, args: Sequence[Any], out: Array) -> list[Row]:
    """The row of an elementwise call on arrays of at most two axes, once neighbours are joined."""
    dtype = next((a.dtype for a in args if isinstance(a, np.ndarray)), None)
    if ufunc.signature is not None or ufunc.nout != 1 or len(args) > 2 or dtype is None:
        return []
    if any(type(a) is int and not _holds(dtype, a) for a in args):
        return []
    arrays = *(np.asarray(a, dtype) if type(a) is int else a for a in args), out
    if not _is_plain(*arrays) or not all(_is_apart(a, out) for a in arrays):
        return []
    loop = loops_of(ufunc).get("".join(a.dtype.char for a in arrays))
    axes = _axes(arrays)
    if loop is None or len(axes) > 2:
        return []
    (length, steps), *outer = axes
    repeats, jumps = outer[0] if outer else (1, ())
    return [Row(loop, arrays, (length,), steps, repeats, jumps)]


def _reduced(ufunc: np.ufunc, a: Any, axis: Any = 0, out: Any = None, **options: Any) -> list[Row]:
    """The rows of a largest or least along the first axis: all others in turn against the first."""
    if ufunc not in (np.maximum, np.minimum) or axis != 0 or options or not _is_plain(a, out):
        return []
    if a.ndim < 2 or len(a) < 2 or not _is_apart(a, out):
        return []
    rows = [*_elementwise(np.positive, [a[0]], out), *_elementwise(ufunc, [out, a[1]], out)]
    if len(rows) != 2 or rows[1].repeats > 1:
        return []
    return [rows[0], rows[1]._replace(repeats=len(a) - 1, jumps=(0, a.strides[0], 0))]


def _product(function: Callable[..., Any], a: Any, b: Any, out: Array) -> list[Row]:
    """The row of a product of matrices, of stacks of them, or of a vector and a matrix.

    `numpy.dot` copies what BLAS cannot read as it is, and takes single numbers another way.
    """
    if not _is_plain(a, b) or np.may_share_memory(a, out) or np.may_share_memory(b, out):
        return []
    if function is np.dot and not all(x.size > 1 and x.ndim <= 2 and _is_whole(x) for x in (a, b)):
        return []
    if out.ndim == 0:
        return []
    if a.ndim == 1:
        a, out = a[None], out[..., None, :]
    if b.ndim == 1:
        b, out = b[:, None], out[..., None]
    loop = loops_of(np.matmul).get(a.dtype.char + b.dtype.char + out.dtype.char)
    if loop is None or out.ndim > 3:
        return []
    stacks = out.shape[0] if out.ndim == 3 else 1
    between = (x.strides[0] if x.ndim == 3 and len(x) > 1 else 0 for x in (a, b, out))
    steps = *between, *a.strides[-2:], *b.strides[-2:], *out.strides[-2:]
    return [Row(loop, (a, b, out), (stacks, *a.shape[-2:], b.shape[-1]), steps)]


def _axes(arrays: Sequence[Array]) -> list[tuple[int, tuple[int, ...]]]:
    """Return the axes of a loop over arrays that are broadcast to the last, the innermost first.

    Returns:
        For each, the length and the arrays' steps in bytes. Neighbours along which all arrays go on
        alike are one.
    """
    axes: list[tuple[int, tuple[int, ...]]] = []
    for nth, length in enumerate(reversed(arrays[-1].shape), 1):
        if length == 1:
            continue
        steps = tuple(a.strides[-nth] if nth <= a.ndim and a.shape[-nth] > 1 else 0 for a in arrays)
        if axes and steps == tuple(axes[-1][0] * step for step in axes[-1][1]):
            axes[-1] = length * axes[-1][0], axes[-1][1]
        else:
            axes.append((length, steps))
    return axes or [(1, (0,) * len(arrays))]


def _is_plain(*arrays: Any) -> bool:
    """Tell whether these are arrays of numbers that lie as the processor wants them."""
    return all(
        isinstance(a, np.ndarray)
        and a.size
        and a.flags.aligned
        and a.dtype.isnative
        and a.dtype.kind in NUMBERS
        for a in arrays
    )


def _holds(dtype: np.dtype[Any], number: int) -> bool:
    """Tell whether a dtype has a number as it is; NumPy may take a wider one for others."""
    try:
        return bool(np.asarray(number, dtype) == number)
    except OverflowError:
        return False


def _is_apart(a: Array, out: Array) -> bool:
    """Tell whether two arrays are the same elements in the same places, or have none in common."""
    if a is out or not np.may_share_memory(a, out):
        return True
    return a.ctypes.data == out.ctypes.data and (a.shape, a.strides) == (out.shape, out.strides)


def _is_whole(array: Array) -> bool:
    return bool(array.flags.c_contiguous or array.flags.f_contiguous)
