"""One kernel for a chain of elementwise calls, and for what stands right before or behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from backends.base import Array
from backends.cuda.chain import (
    NotElementwiseError,
    chain_text,
    kernel_name,
    kernel_source,
    source_with_sums,
)
from backends.cuda.kernels import MOST_BLOCKS
from backends.cuda.queue import Queue
from backends.cuda.source import C_TYPES, THREADS

ONE, ALL, NUMBER = "one", "all", "number"
"""The kinds of arguments: an array of one element, which is broadcast, one of all elements, and a
number with a fraction, which a launch passes on. Whole numbers and flags are part of the source."""


class Bias(NamedTuple):
    """A row that is to be added to all rows of a matrix; see `Queue.held`."""

    y: Array
    """Shape (N, O), which is also where the sums go."""
    b: Array
    """Shape (O,)."""
    launch: Callable[[], Any]


class Chained(NamedTuple):
    """A chain's launch that is held back; see `Queue.held`."""

    fused: Fused
    arguments: tuple[Any, ...]
    layout: tuple[Any, ...]
    launch: Callable[[], Any]


class Fused:
    """A chain of elementwise calls that runs as one kernel where its arrays allow.

    The arrays must be of one shape, or have one element, and be contiguous and of one floating
    dtype. With others, or if a call in the chain is not elementwise, it runs call by call.

    In a step, a bias that is added just before to one of the arrays is added by this kernel; and so
    are the columns of a matrix that it writes, if that is what the next operation asks for.

    Args:
        function: the chain, called with a namespace and its arguments.
        cupy: the module.
        xp: the namespace for running it call by call.
        queue: where it runs.
    """

    def __init__(self, function: Callable[..., None], cupy: Any, xp: Any, queue: Queue) -> None:
        self._function, self._cupy, self._xp, self._queue = function, cupy, xp, queue
        self._name = kernel_name(function)
        self._kernels: dict[Any, Any] = {}

    def __call__(self, *arguments: Any) -> None:
        """Run the chain on arrays and numbers."""
        queue, bias, biased = self._queue, self._queue.held, None
        if isinstance(bias, Bias):
            places = [i for i, a in enumerate(arguments) if a is bias.y]
            biased = places[0] if len(places) == 1 else None
        largest, layout = _layouts(arguments)
        kernel = self._kernel(arguments, layout, biased=biased)
        if biased is not None and kernel is not None:
            queue.held = None
        queue.enter()
        if kernel is None:
            self._function(self._xp, *arguments)
            return
        given: tuple[Any, ...] = (np.int64(largest.size), *_given(arguments, largest))
        if isinstance(bias, Bias) and biased is not None:
            given += bias.b, np.int32(bias.b.size)
        blocks = min(MOST_BLOCKS, -(-largest.size // THREADS))
        launch = partial(kernel, (blocks,), (THREADS,), given)
        if queue.holds and largest.ndim == 2 and biased is None:
            queue.held = Chained(self, arguments, layout, launch)
        else:
            launch()

    def with_sums(self, held: Chained, a: Array) -> tuple[Any, tuple[Any, ...]] | None:
        """Return the kernel that adds up the columns of ``a`` as well, and what it takes.

        None where the chain that is held back does not write ``a``.
        """
        place = next((i for i, one in enumerate(held.arguments) if one is a), None)
        if place is None:
            return None
        kernel = self._kernel(held.arguments, held.layout, summed=place)
        return None if kernel is None else (kernel, tuple(_given(held.arguments, a)))

    def _kernel(
        self,
        arguments: tuple[Any, ...],
        layout: tuple[Any, ...],
        *,
        biased: int | None = None,
        summed: int | None = None,
    ) -> Any:
        """Return the kernel for such arguments, or None if there can be none."""
        key = layout, biased, summed
        if key not in self._kernels:
            self._kernels[key] = self._compile(arguments, *key)
        return self._kernels[key]

    def _compile(
        self,
        arguments: tuple[Any, ...],
        layout: tuple[Any, ...],
        biased: int | None,
        summed: int | None,
    ) -> Any:
        dtypes = {kind[1] for kind in layout if isinstance(kind, tuple)}
        if None in layout or len(dtypes) > 1:
            return None
        single = {i for i, kind in enumerate(layout) if isinstance(kind, tuple) and kind[0] == ONE}
        try:
            text, dtype = chain_text(self._function, arguments, single, biased), dtypes.pop()
        except NotElementwiseError:
            return None
        if summed is None:
            name = self._name if biased is None else f"{self._name}_with_bias"
            return self._cupy.RawKernel(kernel_source(name, text, dtype), name)
        if summed not in text.written:
            return None
        name = f"{self._name}_with_sums"
        return self._cupy.RawKernel(source_with_sums(name, text, dtype, summed), name)


def _size(array: Array) -> int:
    size: int = array.size
    return size


def _layouts(arguments: tuple[Any, ...]) -> tuple[Array, tuple[Any, ...]]:
    """Return the largest of the arrays, and the `_layout` of each argument."""
    largest = max((a for a in arguments if not isinstance(a, (int, float))), key=_size)
    return largest, tuple(_layout(a, largest) for a in arguments)


def _given(arguments: tuple[Any, ...], largest: Array) -> Iterator[Any]:
    """Yield what a kernel takes of the arguments, numbers in the dtype of the arrays."""
    number = largest.dtype.type
    for argument in arguments:
        if not isinstance(argument, int):
            yield number(argument) if isinstance(argument, float) else argument


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
