"""One stream for each device, which all of this process's work for it goes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, Protocol

from backends.base import BackendError


class Held(Protocol):
    """An operation of a step that was asked for and is not launched yet."""

    @property
    def launch(self) -> Callable[[], Any]:
        """Launches it."""
        ...


class Queue:
    """A device and its stream; there is one for each device, which `of_device` returns.

    CuPy launches on whatever device and stream are current in the calling thread, while cuBLAS
    keeps to the stream that its handle was given. So a backend enters its queue before any
    operation, and several backends, devices and threads can take turns.

    The stream waits for the default stream and is waited for by it, which lets other libraries
    use the arrays. The default stream itself cannot be captured.

    Args:
        cupy: the module.
        index: the device.

    Attributes:
        holds: whether an operation may be held back, as within `holding`.
        held: the one that is; the next to enter launches it, unless it takes it in.
    """

    holds = False
    held: Held | None = None

    def __init__(self, cupy: Any, index: int) -> None:
        self._cupy = cupy
        self.device = cupy.cuda.Device(index)
        self.device.use()
        self.stream = cupy.cuda.Stream()

    def enter(self, *, keeps: bool = False) -> None:
        """Make this device and stream the current ones of this thread.

        Args:
            keeps: whether what is held back stays so, as nothing is launched now.
        """
        self.device.use()
        self.stream.use()
        if self.held is not None and not keeps:
            held, self.held = self.held, None
            held.launch()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Let operations of the block be held back, of which nobody else can see the results."""
        self.holds = True
        try:
            yield
            self.enter()
        finally:
            self.holds, self.held = False, None

    def full(self) -> BackendError:
        """Make the error that says that the device's memory is full."""
        free, total = self.device.mem_info
        return BackendError(
            f"the GPU's memory is full ({free >> 20:,} of {total >> 20:,} MiB are free): "
            "end what else runs there (nvidia-smi lists it), or take a smaller "
            "--batch-size, smaller layers or fewer images"
        )

    def explaining(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that calls the given one, and explains it if memory is full.

        Raises:
            BackendError: from the function returned, if the device's memory is full.
        """

        @wraps(function)
        def explained(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except self._cupy.cuda.memory.OutOfMemoryError as error:
                raise self.full() from error

        return explained

    def entering(self, function: Callable[..., Any], *, keeps: bool = False) -> Callable[..., Any]:
        """Return a function that enters, calls the given one, and explains it if memory is full.

        Args:
            function: what to call.
            keeps: as for `enter`.

        Raises:
            BackendError: from the function returned, if the device's memory is full.
        """
        explained = self.explaining(function)

        @wraps(function)
        def entered(*args: Any, **kwargs: Any) -> Any:
            self.enter(keeps=keeps)
            return explained(*args, **kwargs)

        return entered


@cache
def of_device(cupy: Any, index: int) -> Queue:
    """Return the device's queue."""
    return Queue(cupy, index)
