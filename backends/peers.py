"""How a device's arrays reach other processes: from device to device, or by way of the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backends.base import Array, Backend, BackendError

Parts = Sequence[tuple[int, Array]]
"""Arrays, each with the rank of the process that it goes to or comes from."""


class Link(Protocol):
    """The devices of several processes, one each, that send each other arrays.

    All processes make the same calls. What is asked of it is work for the device, done in the order
    of its other work: no call waits for it.
    """

    def all_to_all(self, sent: Parts, received: Parts) -> None:
        """Send arrays, contiguous and of one dtype, and receive others.

        Those from one process to another arrive in the order in which they are sent.
        """
        ...

    def all_gather(self, part: Array, out: Array) -> None:
        """Give all processes' parts, shape (n,), to each of them, shape (size · n,)."""
        ...

    def mark(self) -> Callable[[], bool]:
        """Return what tells, without waiting, whether all that was asked so far is done.

        Raises:
            BackendError: from the function returned, if a link has failed.
        """
        ...

    def abort(self) -> None:
        """Give up all that the device waits for; the link is of no use any more."""
        ...


class Linker(Protocol):
    """What links the devices of several processes."""

    name: str
    """Of the library that does it."""

    def invite(self) -> Any:
        """Return what all processes that are to be linked have to be told: it can be pickled."""
        ...

    def link(self, invitation: Any, size: int, rank: int) -> Link:
        """Link this device as one of ``size``; waits until all have come.

        Raises:
            BackendError: if it cannot be, with the reason.
        """
        ...


class Peers(Protocol):
    """What a device does together with those of other processes.

    Attributes:
        address: where in its machine the device is: two processes of one machine that find the same
            share it.
        kernels: what computes there: devices of which this is alike compute the same bytes.
    """

    address: str
    kernels: str

    def memory(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Make an array of the host that is copied from and to the device as fast as can be."""
        ...

    def fetch(self, array: Array, out: NDArray[Any]) -> None:
        """Copy an array of the device to such an array; waits for the device."""
        ...

    def bring(self, array: NDArray[Any], out: Array) -> None:
        """Copy such an array to one of the device; it must stay as it is until the device waits."""
        ...

    def linker(self) -> Linker:
        """Return what links this device to others.

        Raises:
            BackendError: if nothing does, with the reason.
        """
        ...


@runtime_checkable
class HasPeers(Protocol):
    """What a backend may have beside its eight members: an own way to other devices."""

    peers: Peers


class PlainPeers:
    """Those of a device that knows of no others: its arrays are copied as any are.

    Args:
        backend: the device.
    """

    address = ""

    def __init__(self, backend: Backend) -> None:
        self._backend, self.kernels = backend, backend.name

    def memory(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Make an array of the host."""
        return np.zeros(shape, dtype)

    def fetch(self, array: Array, out: NDArray[Any]) -> None:
        """Copy an array of the device to one of the host."""
        np.copyto(out, self._backend.to_numpy(array))

    def bring(self, array: NDArray[Any], out: Array) -> None:
        """Copy an array of the host to one of the device."""
        self._backend.xp.copyto(out, self._backend.asarray(array))

    def linker(self) -> Linker:
        """Refuse: there is none."""
        raise BackendError(f"nothing links {self._backend.name} to other devices")


def peers_of(backend: Backend) -> Peers:
    """Return what a device does together with those of other processes."""
    return backend.peers if isinstance(backend, HasPeers) else PlainPeers(backend)
