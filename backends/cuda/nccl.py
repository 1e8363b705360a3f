"""GPUs of several processes that NCCL links, and their copies by way of the host's memory.

Nothing of this has run on hardware yet: see tests/support/gpu_ranks.py for what stands in.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backends.base import Array, BackendError
from backends.cuda.checks import import_cupy
from backends.cuda.queue import Queue
from backends.peers import Parts


class NcclLink:
    """One process's end of a communicator, whose work goes to the device's queue.

    NCCL makes connections when they are first used, and waits for the other end meanwhile. So all
    of them are used once here, where who waits can be told from who computes.

    Args:
        cupy: the module.
        nccl: the module ``cupy.cuda.nccl``.
        queue: of the device.
        invitation: what the first process got from NCCL.
        size: how many processes there are.
        rank: which of them this is.

    Raises:
        BackendError: if NCCL fails, or the device's memory is full.
    """

    def __init__(
        self, cupy: Any, nccl: Any, queue: Queue, invitation: Any, size: int, rank: int
    ) -> None:
        self._cupy, self._nccl, self._queue = cupy, nccl, queue
        self._types = {"f": nccl.NCCL_FLOAT32, "d": nccl.NCCL_FLOAT64}
        self._queue.enter()
        with self._explained():
            self._communicator = nccl.NcclCommunicator(size, invitation, rank)
        zeros = queue.entering(cupy.zeros)
        one, many = zeros(1, np.float32), zeros(size, np.float32)
        peers = range(size)
        self.all_to_all(
            [(peer, one) for peer in peers], [(peer, many[peer : peer + 1]) for peer in peers]
        )
        self.all_gather(one, many)
        queue.stream.synchronize()

    def all_to_all(self, sent: Parts, received: Parts) -> None:
        """Send arrays to each process, and receive theirs; see `backends.peers.Link`."""
        self._queue.enter()
        communicator, stream = self._communicator, self._queue.stream.ptr
        with self._explained():
            self._nccl.groupStart()
            try:
                for rank, a in sent:
                    communicator.send(a.data.ptr, a.size, self._type(a), rank, stream)
                for rank, a in received:
                    communicator.recv(a.data.ptr, a.size, self._type(a), rank, stream)
            finally:
                self._nccl.groupEnd()

    def all_gather(self, part: Array, out: Array) -> None:
        """Give all processes' parts to each of them; see `backends.peers.Link`."""
        self._queue.enter()
        stream, numbers = self._queue.stream.ptr, self._type(part)
        with self._explained():
            self._communicator.allGather(part.data.ptr, out.data.ptr, part.size, numbers, stream)

    def mark(self) -> Callable[[], bool]:
        """Return what tells whether all asked so far is done; see `backends.peers.Link`."""
        self._queue.enter()
        event = self._cupy.cuda.Event(disable_timing=True)
        event.record(self._queue.stream)

        def is_done() -> bool:
            with self._explained():
                self._communicator.check_async_error()
            return bool(event.done)

        return is_done

    def abort(self) -> None:
        """End what the device waits for, and the communicator."""
        self._communicator.abort()

    def _type(self, a: Array) -> int:
        number: int = self._types[a.dtype.char]
        return number

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._nccl.NcclError as error:
            raise BackendError(
                f"NCCL, by which GPUs send each other gradients, has failed ({error}): "
                "NCCL_DEBUG=WARN in the environment lets it say why"
            ) from error


class Nccl:
    """What links GPUs: NCCL, by CuPy.

    Args:
        cupy: the module.
        nccl: the module ``cupy.cuda.nccl``.
        queue: of the device.
    """

    name = "NCCL"

    def __init__(self, cupy: Any, nccl: Any, queue: Queue) -> None:
        self._parts = cupy, nccl, queue

    def invite(self) -> Any:
        """Return the number by which a communicator is known."""
        return self._parts[1].get_unique_id()

    def link(self, invitation: Any, size: int, rank: int) -> NcclLink:
        """Become one of a communicator; waits until all have come."""
        return NcclLink(*self._parts, invitation, size, rank)


class CudaPeers:
    """What a GPU does together with those of other processes; see `backends.peers.Peers`.

    Args:
        cupy: the module.
        queue: of the device.
        index: which of the visible devices it is.
    """

    def __init__(self, cupy: Any, queue: Queue, index: int) -> None:
        self._cupy, self._queue = cupy, queue
        self.address: str = queue.device.pci_bus_id
        self.kernels: str = cupy.cuda.runtime.getDeviceProperties(index)["name"].decode()

    def memory(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Make an array in pinned memory, which the device reads and writes by itself."""
        count = math.prod(shape)
        pinned = self._cupy.cuda.alloc_pinned_memory(count * np.dtype(dtype).itemsize)
        return np.frombuffer(pinned, dtype, count).reshape(shape)

    def fetch(self, array: Array, out: NDArray[Any]) -> None:
        """Copy an array to the host, and wait for it."""
        self._queue.enter()
        array.get(out=out)

    def bring(self, array: NDArray[Any], out: Array) -> None:
        """Copy an array to the device, in the order of its work."""
        self._queue.enter()
        out.set(array, stream=self._queue.stream)

    def linker(self) -> Nccl:
        """Return NCCL, if CuPy finds it.

        Raises:
            BackendError: if not.
        """
        nccl, reason = import_nccl()
        if nccl is None:
            major = self._cupy.cuda.runtime.runtimeGetVersion() // 1000
            command = f"pip install nvidia-nccl-cu{major}"
            raise BackendError(
                f"CuPy finds no NCCL{reason}, which {command} brings: with it GPUs send each other "
                "gradients",
                command,
            )
        return Nccl(self._cupy, nccl, self._queue)


def import_nccl() -> tuple[Any, str]:
    """Import ``cupy.cuda.nccl``; None, and the reason in brackets, where its library is missing."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        nccl = import_module("cupy.cuda.nccl")
    if nccl.available:
        return nccl, ""
    lines = (line for warning in told for line in str(warning.message).splitlines())
    reason = next((line.partition(": ")[2] for line in lines if line.startswith("Reason: ")), "")
    return None, f" ({reason})" if reason else ""


def visible_gpus() -> tuple[str, ...]:
    """List each GPU that this process sees, by its address and its UUID.

    The instances of a GPU that is divided (MIG) have one address.

    Returns:
        The same text in all processes of a machine that see the same GPU; nothing where CUDA cannot
        be used.
    """
    try:
        cupy = import_cupy()
        return tuple(_told_of(cupy, i) for i in range(cupy.cuda.runtime.getDeviceCount()))
    except Exception:  # opening a device tells the reason
        return ()


def _told_of(cupy: Any, index: int) -> str:
    uuid: bytes = cupy.cuda.runtime.getDeviceProperties(index).get("uuid", b"")
    return f"{cupy.cuda.Device(index).pci_bus_id} {uuid.hex()}"
