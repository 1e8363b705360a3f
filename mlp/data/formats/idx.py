"""IDX, the format of the MNIST files: a big-endian header, then one array.

Byte 0 and 1 are zero, byte 2 is the code of the dtype, byte 3 the rank; one uint32 a dimension
follows, then the values in C order (described at http://yann.lecun.com/exdb/mnist/). A file may
be packed with gzip.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import struct
import sys
import zlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlp.common.atomic import replacing
from mlp.common.errors import DataError

# The dtype codes of the format, as they lie on disk.
DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_CODES = {dtype.newbyteorder("="): code for code, dtype in DTYPES.items()}

MAX_UNPACKED_BYTES = 4 << 30
"""The largest array that is unpacked from gzip: a bound on what a small hostile file can cost."""

_MAX_RANK = 64  # NumPy's own limit
_MAX_DEFLATE_RATIO = 1032  # 258 bytes from 2 bits, deflate's best (zlib.net/zlib_tech.html)
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 20


def read_idx(path: str | Path, *, mmap: bool | Literal["auto"] = False) -> NDArray[Any]:
    """Read the array of an IDX file, packed with gzip or not, whatever its name.

    Args:
        path: the file.
        mmap: leave the values on disk and return a read-only ``np.memmap``; only for
            unpacked files of one-byte dtypes, whose bytes on disk are those in memory. ``"auto"``
            leaves them there for these files and reads the others.

    Returns:
        An array of the header's shape, of rank 1 or more, in native byte order: uint8, int8,
        int16, int32, float32 or float64.

    Raises:
        DataError: if the file cannot be read, is not IDX, is longer or shorter than its header
            says, or cannot be mapped.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            if mmap is True or (mmap == "auto" and _can_be_mapped(file)):
                return _map(file, str(path))
            return decode_idx(file, str(path))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def decode_idx(stream: io.BufferedIOBase, source: str) -> NDArray[Any]:
    """Read an IDX array from a seekable stream; see ``read_idx``.

    ``source`` is what the messages call the stream. Never reads more than the header promises
    and one byte, nor allocates more than the stream can hold.

    Raises:
        DataError: as ``read_idx``.
    """
    length = _length(stream)
    if not _is_gzip(stream):
        header = _read_header(stream, source)
        _check_length(header, length, source)
        return _read_values(stream, header, source)
    try:
        with gzip.GzipFile(fileobj=stream, mode="rb") as unpacked:
            header = _read_header(unpacked, source)
            _check_promise(header, length * _MAX_DEFLATE_RATIO, source)
            if header.bytes > MAX_UNPACKED_BYTES:
                raise DataError(
                    f"{source} unpacks to {header.bytes:,} bytes, over the limit of "
                    f"{MAX_UNPACKED_BYTES:,}: unpack it and read it with mmap=True"
                )
            array = _read_values(unpacked, header, source)
            if unpacked.read(1):  # at the end, this also compares the checksum in gzip's trailer
                raise DataError(
                    f"{source} goes on after the {header.bytes:,} bytes that its header "
                    f"promises: it is damaged or not IDX, get it again"
                )
            return array
    except EOFError as error:
        raise DataError(f"{source} ends early: its gzip data is cut off, get it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{source} is damaged gzip data ({error}): get it again") from error


def write_idx(path: str | Path, array: NDArray[Any]) -> None:
    """Write an array as IDX, packed with gzip if the name ends in ``.gz``; whole or not at all.

    The same array always gives the same bytes: gzip's time stamp is left at zero.

    Args:
        path: the file, replaced if it is there.
        array: rank 1 or more; uint8, int8, int16, int32, float32 or float64.

    Raises:
        DataError: if IDX has no such dtype or rank, or the file cannot be written.
    """
    path = Path(path)
    header = _encode_header(array)
    values = _disk_bytes(array)
    try:
        with replacing(path) as file:
            if path.suffix == ".gz":
                # Level 6: level 9 takes several times as long for about 1 % less.
                with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
                    packed.write(header)
                    packed.write(values)
            else:
                file.write(header)
                file.write(values)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def idx_sha256(array: NDArray[Any]) -> str:
    """The sha256, in hexadecimal, of the array's unpacked IDX file.

    Raises:
        DataError: if IDX has no such dtype or rank.
    """
    digest = hashlib.sha256(_encode_header(array))
    digest.update(_disk_bytes(array))
    return digest.hexdigest()


class _Header(NamedTuple):
    dtype: np.dtype[Any]  # as on disk, big-endian
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return 4 + 4 * len(self.shape)

    @property
    def bytes(self) -> int:
        """The length of the whole unpacked file."""
        return self.size + math.prod(self.shape) * self.dtype.itemsize


def _length(stream: io.BufferedIOBase) -> int:
    length = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return length


def _is_gzip(stream: io.BufferedIOBase) -> bool:
    magic = stream.read(len(_GZIP_MAGIC))
    stream.seek(0)
    return magic == _GZIP_MAGIC


def _read_header(stream: io.BufferedIOBase, source: str) -> _Header:
    magic = stream.read(4)
    if not magic:
        raise DataError(f"{source} is empty: get it again")
    if magic[:2] != b"\0\0":
        raise DataError(f"{source} {_what_it_is_instead(magic + stream.read(60))}")
    if len(magic) < 4:
        raise DataError(f"{source} ends within its header: it is cut off, get it again")
    code, rank = magic[2], magic[3]
    if code not in DTYPES:
        raise DataError(
            f"{source} is not an IDX file, as there is no dtype code 0x{code:02x}: get it again"
        )
    if not 1 <= rank <= _MAX_RANK:
        raise DataError(
            f"{source} has rank {rank}, but only ranks 1 to {_MAX_RANK} can be read: its header is "
            "damaged, get it again"
        )
    sizes = stream.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise DataError(f"{source} ends within its header: it is cut off, get it again")
    header = _Header(DTYPES[code], struct.unpack(f">{rank}I", sizes))
    # An empty array may still have other dimensions so large that NumPy refuses the shape.
    if math.prod(filter(None, header.shape)) * header.dtype.itemsize > sys.maxsize:
        raise DataError(
            f"{source} claims the absurd shape {header.shape}: its header is damaged, get it again"
        )
    return header


def _what_it_is_instead(start: bytes) -> str:
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return "looks like an HTML page, probably a download that failed: get it again"
    return "is not an IDX file, as it does not begin with two zero bytes: get it again"


def _check_length(header: _Header, length: int, source: str) -> None:
    _check_promise(header, length, source)
    if length > header.bytes:
        raise DataError(
            f"{source} has {length:,} bytes, {length - header.bytes:,} more than its header "
            f"promises: it is damaged or not IDX, get it again"
        )


def _check_promise(header: _Header, most: int, source: str) -> None:
    if header.bytes > most:
        raise DataError(
            f"{source} is too short for the {header.bytes:,} bytes that its header promises: "
            f"it is cut off or damaged, get it again"
        )


def _read_values(stream: io.BufferedIOBase, header: _Header, source: str) -> NDArray[Any]:
    try:
        array = np.empty(header.shape, header.dtype)
        view = array.reshape(-1).view(np.uint8).data
        done = 0
        while done < len(view) and (count := stream.readinto(view[done : done + _CHUNK])):
            done += count
        if done < len(view):
            _check_promise(header, header.size + done, source)
        return array.astype(header.dtype.newbyteorder("="), copy=False)
    except MemoryError as error:
        raise DataError(
            f"{source} holds {header.bytes:,} bytes, more than fit into memory: "
            f"read it with mmap=True"
        ) from error


def _can_be_mapped(file: io.BufferedReader) -> bool:
    """Tell whether a file begins as one that is not packed and holds single bytes."""
    magic = file.read(3)
    file.seek(0)
    codes = [code for code, dtype in DTYPES.items() if dtype.itemsize == 1]
    return magic in [bytes([0, 0, code]) for code in codes]


def _map(file: io.BufferedReader, source: str) -> NDArray[Any]:
    length = _length(file)
    if _is_gzip(file):
        raise DataError(f"{source} is packed and cannot be mapped: unpack it with gunzip first")
    header = _read_header(file, source)
    _check_length(header, length, source)
    if header.dtype.itemsize > 1:
        raise DataError(
            f"{source} holds big-endian {header.dtype.newbyteorder('=')} and cannot be mapped: "
            f"read it without mmap"
        )
    return np.memmap(file, header.dtype, mode="r", offset=header.size, shape=header.shape)


def _encode_header(array: NDArray[Any]) -> bytes:
    code = _CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(str(dtype) for dtype in _CODES)
        raise DataError(f"IDX cannot hold {array.dtype}: convert the array to one of {known}")
    if array.ndim == 0 or max(array.shape) >= 1 << 32:
        raise DataError(
            f"IDX cannot hold the shape {array.shape}: it needs a rank of 1 or more and "
            f"fewer than {1 << 32:,} values along each dimension"
        )
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)


def _disk_bytes(array: NDArray[Any]) -> memoryview:
    """The values as they lie on disk."""
    disk = np.ascontiguousarray(array, DTYPES[_CODES[array.dtype.newbyteorder("=")]])
    return disk.reshape(-1).view(np.uint8).data
