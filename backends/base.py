"""The interface between a device and the mathematics: eight members, and two that may be there."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from numpy.typing import DTypeLike, NDArray

Array = Any
"""An array of the backend's own kind: ``numpy.ndarray`` on a CPU, ``cupy.ndarray`` on CUDA."""

PRECISIONS = ("float32", "tf32", "bf16")
"""The precisions of products of float32 matrices; all but the first on CUDA alone."""

Function = TypeVar("Function", bound=Callable[..., None])


def kernel(name: str) -> Callable[[Function], Function]:
    """Name the hand-written kernel that may take the place of a function given to `Backend.fuse`.

    A device that has a kernel of this name runs that; any other runs the function. The kernel
    takes the function's arguments and writes the same results::

        @kernel("softmax_cross_entropy")
        def loss_and_gradient(xp, logits, t, ...): ...
    """

    def named(function: Function) -> Function:
        vars(function)["kernel"] = name
        return function

    return named


def kernel_of(function: Callable[..., None]) -> str | None:
    """Return the name that `kernel` gave a function; None if it has none."""
    name: str | None = getattr(function, "kernel", None)
    return name


def scratch(*names: str) -> Callable[[Function], Function]:
    """Name the arguments of a function given to `Backend.fuse` that nobody reads once it has run.

    A device that runs it as one kernel need not write them to memory, and leaves in them what was
    there; another leaves what the calls wrote.
    """

    def named(function: Function) -> Function:
        vars(function)["scratch"] = names
        return function

    return named


def scratch_of(function: Callable[..., None]) -> set[int]:
    """Return the places of the arguments that `scratch` named, counted after ``xp``."""
    names = getattr(function, "scratch", ())
    parameters = list(inspect.signature(function).parameters) if names else []
    return {parameters.index(name) - 1 for name in names}


class BackendError(Exception):
    """A device cannot be used.

    Args:
        sentence: why, and what to do.
        command: a command that may mend it, if one alone can.
    """

    def __init__(self, sentence: str, command: str | None = None) -> None:
        super().__init__(sentence)
        self.command = command


class Memory(NamedTuple):
    """A device's memory, in bytes, and how much work it does best at once."""

    free: int
    """The bytes that can still be allocated."""
    peak: int
    """The most bytes in use at once: by this process on a CPU, by its array pool on CUDA."""
    working_set: int
    """The bytes that a micro-batch of a large batch should use for the device to be fastest."""
    span: int = 1
    """How many updates to capture together, their images gathered before the first of them."""
    workers: int = 1
    """How many threads can work on an update at once. If several, replays of
    `Backend.capture` have to call the functions given to `backends.on_replay`."""
    is_discrete: bool = False
    """Whether it is separate from the host's memory, so that arrays have to be copied to it."""


class Backend(Protocol):
    """A device, passed explicitly to whatever computes on it.

    Any object with these members is one, wherever it was written: there is nothing to register.

    Attributes:
        name: ``"cpu"`` or ``"cuda:N"``.
        xp: the array namespace: NumPy's functions under NumPy's names. Every call inside a
            training step writes into an array that it is given with ``out=``.
    """

    name: str
    xp: Any

    def asarray(self, array: NDArray[Any], dtype: DTypeLike | None = None) -> Array:
        """Bring a host array to the device, without a copy if it is there already."""
        ...

    def to_numpy(self, array: Array) -> NDArray[Any]:
        """Bring a device array to the host; waits for the device."""
        ...

    def synchronize(self) -> None:
        """Wait until the device has finished all work given to it."""
        ...

    def fuse(self, function: Callable[..., None]) -> Callable[..., None]:
        """Make ``function(xp, *arguments)`` as cheap as the device allows.

        The result takes the arguments alone, arrays and numbers. The function is a chain of
        elementwise calls, each with ``out=``, which a device may run as one; or `kernel` names
        a hand-written kernel that a device may run in its place.
        """
        ...

    def capture(self, step: Callable[[], Any]) -> Callable[[], Any]:
        """Make repeated calls of ``step`` cheap.

        The first call runs ``step``; the second runs it again and records its array operations;
        later calls repeat just these on the same arrays. So ``step`` must do the
        same operations on the same arrays each time, every one with ``out=``; what changes from
        call to call (the batch, the learning rate) is written into those arrays between calls.
        Each call returns what ``step`` returned, whose arrays then hold the new values.
        """
        ...

    def memory(self) -> Memory:
        """Return the free memory, the peak, and how much work suits the device."""
        ...


@runtime_checkable
class KeepsPixels(Protocol):
    """What a backend may have beside its eight members."""

    def keep_pixels(self, images: NDArray[Any], rows: int, outputs: int) -> Array | None:
        """Keep images of 8 bits in a form that products read faster; see `keep_pixels`."""
        ...


def keep_pixels(backend: Backend, images: NDArray[Any], rows: int, outputs: int) -> Array | None:
    """Let a device keep images of 8 bits in a form of its own, if its products are faster with it.

    What it returns stands for the images over 255: ``xp.matmul`` takes it as its left factor,
    itself or its ``T``, and is about as exact as with floats. It has a length and is cut by slices
    of its rows; ``bits`` is an array of as many rows, which ``xp.take`` can read, and ``of(bits)``
    makes the same of rows taken from it.

    Args:
        backend: the device.
        images: uint8, shape (N, I).
        rows: how many of them a product takes at once.
        outputs: O, the width of its right factor (I, O), of float32.

    Returns:
        The images; None where the device has no such form, or it would not pay.
    """
    return backend.keep_pixels(images, rows, outputs) if isinstance(backend, KeepsPixels) else None
