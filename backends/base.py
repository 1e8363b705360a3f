"""What a device offers to the mathematics: eight members and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from numpy.typing import DTypeLike, NDArray

Array = Any
"""An array of the backend's own kind: ``numpy.ndarray`` on a CPU, ``cupy.ndarray`` on CUDA."""

PRECISIONS = ("float32", "tf32", "bf16")
"""What products of float32 matrices may be computed in; all but the first on CUDA alone."""

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
    """Return the name that `kernel` gave a function; None where it gave none."""
    name: str | None = getattr(function, "kernel", None)
    return name


class BackendError(Exception):
    """A device that cannot be used: one sentence that says why and what to do.

    Args:
        sentence: both of these.
        command: what to type, where that alone may mend it.
    """

    def __init__(self, sentence: str, command: str | None = None) -> None:
        super().__init__(sentence)
        self.command = command


class Memory(NamedTuple):
    """Memory of a device, in bytes, and how much work suits it at once."""

    free: int
    """What can still be allocated."""
    peak: int
    """The most that was in use at once: by this process on a CPU, by its array pool on CUDA."""
    working_set: int
    """What one micro-batch of a large batch should keep in use for the device to be fastest."""
    span: int = 1
    """How many updates to capture together, their images gathered before the first of them."""
    workers: int = 1
    """How many processes or threads can work on an update at once. For more than one, replays of
    `Backend.capture` have to call what `backends.on_replay` was given."""
    is_discrete: bool = False
    """Whether it is separate from the host's memory, so that arrays have to be copied there."""


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
        """Bring a host array to the device; without a copy where it is there already."""
        ...

    def to_numpy(self, array: Array) -> NDArray[Any]:
        """Bring a device array to the host; waits for the device."""
        ...

    def synchronize(self) -> None:
        """Wait until the device has done all that it was told."""
        ...

    def fuse(self, function: Callable[..., None]) -> Callable[..., None]:
        """Make ``function(xp, *arguments)`` as cheap as the device allows.

        The arguments are arrays and numbers, and the result is called with them alone. The
        function is a chain of elementwise calls, each with ``out=``, which a device may run as
        one; or it names by `kernel` what a device may run in its place.
        """
        ...

    def capture(self, step: Callable[[], Any]) -> Callable[[], Any]:
        """Make repeated calls of ``step`` cheap.

        The first call runs ``step``; the second runs it once more and notes which array
        operations it does on which arrays; later calls repeat just those. So ``step`` must do the
        same operations on the same arrays each time, every one with ``out=``; what changes from
        call to call (the batch, the learning rate) is written into those arrays between calls.
        Each call returns what ``step`` returned, whose arrays then hold the new values.
        """
        ...

    def memory(self) -> Memory:
        """Tell how much memory is free and was used at most, and what suits the device."""
        ...
