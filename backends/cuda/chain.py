"""A chain of elementwise calls as C, made by running it on symbols.

So a formula is written once, in the layers, and repeated in no kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from backends.base import scratch_of
from backends.cuda.source import C_TYPES, source

FORMULAS = {
    "absolute": "fabs({0})",
    "add": "{0} + {1}",
    "divide": "{0} / {1}",
    "exp": "exp({0})",
    "expm1": "expm1({0})",
    "log": "log({0})",
    "log1p": "log1p({0})",
    "logaddexp": "{0} == {1} ? {0} + T(0.6931471805599453)"
    " : ({0} > {1} ? {0} : {1}) + log1p(exp(-fabs({0} - {1})))",  # alike may be infinite
    "maximum": "{0} > {1} || {0} != {0} ? {0} : {1}",  # either NaN spreads, as in NumPy
    "minimum": "{0} < {1} || {0} != {0} ? {0} : {1}",
    "multiply": "{0} * {1}",
    "negative": "-{0}",
    "sign": "{0} > 0 ? T(1) : {0} < 0 ? T(-1) : {0}",  # of 0 is 0, and of NaN is NaN
    "sqrt": "sqrt({0})",
    "subtract": "{0} - {1}",
    "tanh": "tanh({0})",
}
"""NumPy's functions as C expressions; a chain with any other is not fused."""


class NotElementwiseError(Exception):
    """A function that is more than a chain of elementwise calls with ``out=``."""


class Operand:
    """An array's names in the kernel, or a number's.

    Args:
        number: its place among the function's arguments.
        is_array: whether it is one.
    """

    def __init__(self, number: int, is_array: bool = True) -> None:
        self.name, self.is_array = f"a{number}", is_array
        self.pointer = f"x{number}"
        self.loaded = False
        self.written = False


class Trace:
    """Stands in for the array namespace while a chain runs on symbols; writes each call as C."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name not in FORMULAS:
            raise NotElementwiseError(f"{name} is not among the functions that can be fused")
        return partial(self._note, FORMULAS[name])

    def _note(self, formula: str, *values: Operand | float, out: Operand) -> None:
        expression = formula.format(*map(_read, values))
        self.lines.append(f"{out.name} = {expression};")
        out.written = True


class Text(NamedTuple):
    """A chain as C, on the element of all arrays at a place ``i``."""

    parameters: str
    """Of the kernel: pointers to arrays, and numbers."""
    body: str
    """Loads, the calls, and stores."""
    names: dict[int, str]
    """The variable that holds the element of an array, by its place among the arguments."""
    written: set[int]
    """The places of the arrays that are written."""


def chain_text(
    function: Callable[..., None],
    arguments: tuple[Any, ...],
    single: set[int],
    biased: int | None = None,
) -> Text:
    """Write a chain as C.

    Args:
        function: the chain, called with a namespace and the arguments.
        arguments: examples of the arguments; whole numbers become part of the source.
        single: the positions of arrays with one element, which is broadcast.
        biased: the position of a matrix to whose rows ``bias`` is added first.

    Raises:
        NotElementwiseError: if the function does anything but elementwise calls.
    """
    operands = {
        place: Operand(place, not isinstance(value, float))
        for place, value in enumerate(arguments)
        if not isinstance(value, int)
    }
    trace = Trace()
    if biased is not None:
        y = operands[biased]
        y.loaded = y.written = True
        trace.lines.append(f"{y.name} = {y.name} + bias[(unsigned int)i % (unsigned int)columns];")
    try:
        function(trace, *(operands.get(place, value) for place, value in enumerate(arguments)))
    except (TypeError, AttributeError) as error:  # asks for more of a symbol than it has
        raise NotElementwiseError(str(error)) from error
    numbers = {place for place, operand in operands.items() if not operand.is_array}
    if any(operands[place].written for place in single | numbers):
        raise NotElementwiseError("a single element cannot hold the results of many")
    unread = {operands[place].name for place in scratch_of(function) if place in operands}
    element = {o.name: f"{o.pointer}[{'0' if i in single else 'i'}]" for i, o in operands.items()}
    loads = [
        f"T {o.name} = {element[o.name]};" if o.loaded else f"T {o.name};"
        for o in operands.values()
        if o.is_array
    ]
    stores = [
        f"{element[o.name]} = {o.name};"
        for o in operands.values()
        if o.written and o.name not in unread
    ]
    parameters = ", ".join(
        f"{'' if o.written else 'const '}T* {o.pointer}" if o.is_array else f"T {o.name}"
        for o in operands.values()
    )
    return Text(
        parameters if biased is None else f"{parameters}, const T* bias, int columns",
        "\n        ".join([*loads, *trace.lines, *stores]),
        {place: o.name for place, o in operands.items()},
        {place for place, o in operands.items() if o.written},
    )


def kernel_source(name: str, text: Text, dtype: str) -> str:
    """Write the CUDA source of a chain, a thread an element.

    Args:
        name: what the kernel is to be called.
        text: the chain.
        dtype: the character of all arrays' dtype, ``"f"`` or ``"d"``.
    """
    return f"""typedef {C_TYPES[dtype]} T;
extern "C" __global__ void {name}(long long n, {text.parameters}) {{
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride) {{
        {text.body}
    }}
}}
"""


def source_with_sums(name: str, text: Text, dtype: str, place: int) -> str:
    """Write the CUDA source of a chain that then adds up the columns of a matrix that it writes.

    Each thread computes what it adds up, in the order of ``column_sums``.

    Args:
        name: what the kernel is to be called.
        text: the chain.
        dtype: the character of all arrays' dtype, ``"f"`` or ``"d"``.
        place: of the matrix, among the arguments.
    """
    return (
        source(np.dtype(dtype), "sums.cu")
        + f"""
extern "C" __global__ void {name}(long long rows, int columns, {text.parameters}, T* sums,
                                  T* partial, unsigned int* ticket) {{
    for (int c = 0; c < columns; c += THREADS) {{
        const int width = min(THREADS, columns - c), lanes = THREADS / width;
        const int lane = threadIdx.x / width, column = threadIdx.x % width;
        const long long step = (long long)gridDim.x * lanes;
        T sum = 0;
        if (lane < lanes)
            for (long long r = (long long)blockIdx.x * lanes + lane; r < rows; r += step) {{
        const long long i = r * columns + c + column;
        {text.body}
        sum += {text.names[place]};
            }}
        sum = sum_of_lanes(sum, width);
        if (threadIdx.x < width) partial[(long long)blockIdx.x * columns + c + threadIdx.x] = sum;
    }}
    sum_of_blocks(columns, sums, partial, ticket);
}}
"""
    )


def kernel_name(function: Callable[..., Any]) -> str:
    """Turn a name such as ``ReLU.apply`` into one that C allows."""
    return "".join(c if c.isalnum() else "_" for c in function.__qualname__)


def _read(value: Operand | float) -> str:
    if isinstance(value, Operand):
        value.loaded = value.loaded or not value.written
        return value.name
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise NotElementwiseError(f"{value!r} is neither an array nor a finite number")
    return f"T({value!r})"
