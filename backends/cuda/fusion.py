"""One kernel for a chain of elementwise calls, made by running the chain on symbols.

So a formula is written once, in the layers, and repeated in no kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from backends.base import Array, scratch_of
from backends.cuda.kernels import C_TYPES, MOST_BLOCKS, THREADS

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

ONE, ALL, NUMBER = "one", "all", "number"
"""The kinds of arguments: an array of one element, which is broadcast, one of all elements, and a
number with a fraction, which a launch passes on. Whole numbers and flags are part of the source."""


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


def kernel_source(
    name: str,
    function: Callable[..., None],
    arguments: tuple[Any, ...],
    dtype: str,
    single: set[int],
) -> str:
    """Write the CUDA source of one chain.

    Args:
        name: what the kernel is to be called.
        function: the chain, called with a namespace and the arguments.
        arguments: examples of the arguments; whole numbers become part of the source.
        dtype: the character of all arrays' dtype, ``"f"`` or ``"d"``.
        single: the positions of arrays with one element, which is broadcast.

    Raises:
        NotElementwiseError: if the function does anything but elementwise calls.
    """
    operands = {
        place: Operand(place, not isinstance(value, float))
        for place, value in enumerate(arguments)
        if not isinstance(value, int)
    }
    trace = Trace()
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
    body = "\n        ".join([*loads, *trace.lines, *stores])
    parameters = ", ".join(
        f"{'' if o.written else 'const '}T* {o.pointer}" if o.is_array else f"T {o.name}"
        for o in operands.values()
    )
    return f"""typedef {C_TYPES[dtype]} T;
extern "C" __global__ void {name}(long long n, {parameters}) {{
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride) {{
        {body}
    }}
}}
"""


class Fused:
    """A chain of elementwise calls that runs as one kernel where its arrays allow.

    The arrays must be of one shape, or have one element, and be contiguous and of one floating
    dtype. With others, or if a call in the chain is not elementwise, it runs call by call.

    Args:
        function: the chain, called with a namespace and its arguments.
        cupy: the module.
        xp: the namespace for running it call by call.
    """

    def __init__(self, function: Callable[..., None], cupy: Any, xp: Any) -> None:
        self._function, self._cupy, self._xp = function, cupy, xp
        self._name = kernel_name(function)
        self._kernels: dict[Any, Any] = {}

    def __call__(self, *arguments: Any) -> None:
        """Run the chain on arrays and numbers."""
        arrays = [a for a in arguments if not isinstance(a, (int, float))]
        largest = max(arrays, key=_size)
        layout = tuple(_layout(a, largest) for a in arguments)
        if layout not in self._kernels:
            self._kernels[layout] = self._compile(arguments, layout)
        kernel = self._kernels[layout]
        if kernel is None:
            self._function(self._xp, *arguments)
            return
        blocks, number = min(MOST_BLOCKS, -(-largest.size // THREADS)), largest.dtype.type
        given = (
            number(a) if isinstance(a, float) else a for a in arguments if not isinstance(a, int)
        )
        kernel((blocks,), (THREADS,), (np.int64(largest.size), *given))

    def _compile(self, arguments: tuple[Any, ...], layout: tuple[Any, ...]) -> Any:
        """Return the kernel for such arguments, or None if there can be none."""
        dtypes = {kind[1] for kind in layout if isinstance(kind, tuple)}
        if None in layout or len(dtypes) > 1:
            return None
        single = {i for i, kind in enumerate(layout) if isinstance(kind, tuple) and kind[0] == ONE}
        try:
            text = kernel_source(self._name, self._function, arguments, dtypes.pop(), single)
        except NotElementwiseError:
            return None
        return self._cupy.RawKernel(text, self._name)


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


def _size(array: Array) -> int:
    size: int = array.size
    return size


def _layout(argument: Any, largest: Array) -> Any:
    """Return what a kernel depends on: a whole number, or what kind an argument is of.

    None stands for an array that no kernel can read.
    """
    if isinstance(argument, (int, float)):
        return NUMBER if isinstance(argument, float) else argument
    dtype = argument.dtype.char
    if dtype not in C_TYPES or not argument.flags.c_contiguous:
        return None
    if argument.shape == largest.shape:
        return ALL, dtype
    return (ONE, dtype) if argument.size == 1 else None
