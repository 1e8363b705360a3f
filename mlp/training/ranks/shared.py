"""Memory that the ranks of one machine share, so that they hold what they all read once.

It has no name that could outlive them: Linux keeps it as a file (memfd_create), which the others
open by the process that made it, and which is gone with the last of them, however they end.
"""

from __future__ import annotations

import errno
import io
import mmap
import os
import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backends.host import free_bytes

LINE = 64
"""Arrays begin at a multiple of so many bytes."""


class SharedFile(NamedTuple):
    """A file, as all processes of a machine must find it; one in another container may not."""

    path: str
    device: int
    number: int
    """Which of the device's files it is."""

    @classmethod
    def of(cls, path: str) -> SharedFile:
        """Describe a file.

        Raises:
            OSError: if it cannot be found.
        """
        found = os.stat(path)  # noqa: PTH116 - not of a path alone, but of what a process has open
        return cls(path, found.st_dev, found.st_ino)

    def check(self) -> str:
        """Return the path.

        Raises:
            OSError: if there is none, or another file.
        """
        if SharedFile.of(self.path) != self:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path)
        return self.path


class Segment:
    """Shared memory, zeros at first, for as long as any process has it mapped.

    Args:
        size: bytes, at least 1.

    Attributes:
        file: where another process of this machine finds it, until `close`.
        memory: its bytes.

    Raises:
        OSError: if the system has no such memory, or too little.
    """

    def __init__(self, size: int) -> None:
        if size > free_bytes():  # or Linux would end processes to make room
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        self._file = _nameless()
        try:
            os.posix_fallocate(self._file, 0, size)  # or a full /dev/shm would be a signal
            self.memory = mmap.mmap(self._file, size)
            self.file = SharedFile.of(f"/proc/{os.getpid()}/fd/{self._file}")
        except BaseException:
            os.close(self._file)
            raise

    def close(self) -> None:
        """Let no other process in."""
        os.close(self._file)


class Offer(NamedTuple):
    """What another process of this machine makes a value of, without a copy of its arrays."""

    pickled: bytes
    """All but the bytes of the arrays."""
    segment: SharedFile
    """Where these are."""
    ranges: Sequence[tuple[int, int]]
    """Where those of each array begin, and where they end."""


def offer(value: Any) -> tuple[Offer, Segment]:
    """Copy a value's arrays to a segment; those that are mapped from a file are told by its path.

    Args:
        value: anything that can be pickled.

    Raises:
        OSError: as `Segment`.
        PicklingError: if it cannot be pickled, or has a part of a file that has no name.
    """
    stream = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    try:
        _Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(value)
    except (AttributeError, TypeError) as error:  # as Python tells some of what it cannot pickle
        raise pickle.PicklingError(str(error)) from None
    arrays = [buffer.raw() for buffer in buffers]
    ranges: list[tuple[int, int]] = []
    end = 0
    for array in arrays:
        ranges.append((end, end + array.nbytes))
        end += -(-array.nbytes // LINE) * LINE
    segment = Segment(max(1, end))
    for (start, stop), array in zip(ranges, arrays, strict=True):
        segment.memory[start:stop] = array
    return Offer(stream.getvalue(), segment.file, ranges), segment


def take(offered: Offer) -> Any:
    """Make a value of what was offered; its arrays are read-only.

    Raises:
        OSError: if its segment, or a file that it is mapped from, cannot be opened.
    """
    memory = memoryview(map_segment(offered.segment))
    return pickle.loads(offered.pickled, buffers=[memory[a:b] for a, b in offered.ranges])


def map_segment(file: SharedFile) -> mmap.mmap:
    """Map another process's segment, to read it.

    Raises:
        OSError: if it cannot be opened.
    """
    with Path(file.check()).open("rb") as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


class _Pickler(pickle.Pickler):
    """Keeps the bytes of arrays apart, and of those of a mapped file only where they are."""

    def reducer_override(self, value: Any) -> Any:
        file = _mapped_from(value) if isinstance(value, np.ndarray) else None
        if file is None:
            return NotImplemented
        if file.filename is None or file.mode != "r" or not value.flags.c_contiguous:
            raise pickle.PicklingError("a part of a mapped file that has no name")
        bytes_before = _address(value) - _address(np.frombuffer(file._mmap, np.uint8))
        start = file.offset - file.offset % mmap.ALLOCATIONGRANULARITY + bytes_before
        return _map_file, (SharedFile.of(str(file.filename)), value.dtype.str, start, value.shape)


def _map_file(file: SharedFile, dtype: str, start: int, shape: tuple[int, ...]) -> NDArray[Any]:
    if 0 in shape:  # which cannot be mapped
        return np.empty(shape, dtype)
    return np.memmap(file.check(), dtype, "r", start, shape)


def _mapped_from(array: NDArray[Any]) -> Any:
    """Return the whole mapped file, an ``np.memmap``, that an array is a view of, or None."""
    found, base = None, array
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            found = base
        base = base.base  # type: ignore[assignment]
    return found if isinstance(base, mmap.mmap) else None


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _nameless() -> int:
    """Open a file in memory that has no name.

    Raises:
        OSError: if the system has none.
    """
    if hasattr(os, "memfd_create"):  # which a Python for old systems lacks
        return os.memfd_create("mlp")
    with tempfile.TemporaryFile(dir="/dev/shm") as file:
        return os.dup(file.fileno())
