"""One stream for each device, which all of this process's work for it goes to."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from backends.base import BackendError


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
    """

    def __init__(self, cupy: Any, index: int) -> None:
        self._cupy = cupy
        self.device = cupy.cuda.Device(index)
        self.device.use()
        self.stream = cupy.cuda.Stream()

    def enter(self) -> None:
        """Make this device and stream the current ones of this thread."""
        self.device.use()
        self.stream.use()

    def full(self) -> BackendError:
        """Make the error that says that the device's memory is full."""
        free, total = self.device.mem_info
        return BackendError(
            f"the GPU's memory is full ({free >> 20:,} of {total >> 20:,} MiB are free): "
            "end what else runs there (nvidia-smi lists it), or take a smaller "
            "--batch-size, smaller layers or fewer images"
        )

    def entering(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that enters, calls the given one, and explains it if memory is full.

        Raises:
            BackendError: from the function returned, if the device's memory is full.
        """

        @wraps(function)
        def entered(*args: Any, **kwargs: Any) -> Any:
            self.enter()
            try:
                return function(*args, **kwargs)
            except self._cupy.cuda.memory.OutOfMemoryError as error:
                raise self.full() from error

        return entered


@cache
def of_device(cupy: Any, index: int) -> Queue:
    """Return the device's queue."""
    return Queue(cupy, index)
