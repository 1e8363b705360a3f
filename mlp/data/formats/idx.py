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
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlp.common import bounds
from mlp.common.atomic import replacing
from mlp.common.bounds import check_unpacked
from mlp.common.errors import DataError

DTYPES = {
    code: np.dtype(name)
    for code, name in zip(
        b"\x08\x09\x0b\x0c\x0d\x0e", ("u1", "i1", ">i2", ">i4", ">f4", ">f8"), strict=True
    )
}
"""The dtypes of the format's codes, in the byte order of the file."""

_CODES = {dtype.newbyteorder("="): code for code, dtype in DTYPES.items()}

_MAX_RANK = 64  # NumPy's own limit
_MAX_DEFLATE_RATIO = 1032  # 258 bytes from 2 bits, deflate's best (zlib.net/zlib_tech.html)
_CHUNK = 1 << 20


def read_idx(path: str | Path, *, mmap: bool | Literal["auto"] = False) -> NDArray[Any]:
    """Read the array of an IDX file, packed with gzip or not, whatever its name.

    Args:
        path: the file.
        mmap: leave the values on disk and return a read-only ``np.memmap``; only for
            unpacked files of one-byte dtypes, whose bytes on disk are those in memory. ``"auto"``
            leaves them there where such a file is large, see `mlp.common.bounds`, and reads the
            others.

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
            if mmap == "auto":
                is_large = path.stat().st_size >= bounds.MAPPED_FROM
                mmap = is_large and file.read(3) in (b"\0\0\x08", b"\0\0\x09")  # single bytes
            return _map(file, str(path)) if mmap else decode_idx(file, str(path))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def decode_idx(stream: io.BufferedIOBase, source: str) -> NDArray[Any]:
    """Read an IDX array from the beginning of a seekable stream; see ``read_idx``.

    ``source`` names the stream in messages. At most one byte more than the header promises is read,
    and no more memory allocated than the stream can fill.

    Raises:
        DataError: as ``read_idx``.
    """
    length, packed = _examine(stream)
    unpacking = gzip.GzipFile(fileobj=stream, mode="rb") if packed else nullcontext(stream)
    try:
        with unpacking as values:
            header = _read_header(values, source)
            _check_length(header, source, most=length * _MAX_DEFLATE_RATIO if packed else length)
            if packed:
                check_unpacked(source, length, header.bytes, DataError)
            array = _read_values(values, header, source)
            # At the end of gzip data, this also compares the checksum in its trailer.
            _check_length(header, source, least=header.bytes + len(values.read(1)))
            return array
    except EOFError:
        raise _damaged(source, "ends early: its gzip data is cut off") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(source, f"is damaged gzip data ({error})") from None


@contextmanager
def open_idx(path: Path) -> Iterator[IdxReader]:
    """Open an IDX file, packed with gzip or not, to be read chunk by chunk.

    Raises:
        DataError: as ``read_idx``.
    """
    try:
        with path.open("rb") as file:
            length, packed = _examine(file)
            with gzip.GzipFile(fileobj=file) if packed else nullcontext(file) as values:
                header = _read_header(values, str(path))
                most = length * _MAX_DEFLATE_RATIO if packed else length
                _check_length(header, str(path), least=0 if packed else length, most=most)
                row = math.prod(header.shape[1:]) * header.dtype.itemsize
                check_unpacked(path, length, row if packed else 0, DataError)
                yield IdxReader(values, header, str(path))
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise _damaged(str(path), f"is damaged gzip data ({error})") from None
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except EOFError:
        raise _damaged(str(path), "ends early: its gzip data is cut off") from None
    except zlib.error as error:
        raise _damaged(str(path), f"is damaged gzip data ({error})") from None


class IdxReader:
    """The array of an open file, read from its beginning to its end.

    Attributes:
        shape, dtype: of the array; the dtype in the byte order of the file.
    """

    def __init__(self, values: Any, header: _Header, source: str) -> None:
        self.shape, self.dtype = header.shape, header.dtype
        self._values, self._header, self._source = values, header, source

    def chunks(self, rows: int) -> Iterator[NDArray[Any]]:
        """Yield so many rows at a time, the last ones fewer.

        Raises:
            DataError: if the file ends early, or goes on.
        """
        for start in range(0, self.shape[0], rows):
            shape = (min(rows, self.shape[0] - start), *self.shape[1:])
            content = self._values.read(math.prod(shape) * self.dtype.itemsize)
            if len(content) < math.prod(shape) * self.dtype.itemsize:
                raise _damaged(self._source, "ends before its last row")
            yield np.frombuffer(content, self.dtype).reshape(shape)
        _check_length(
            self._header, self._source, least=self._header.bytes + len(self._values.read(1))
        )


def write_idx(path: str | Path, array: NDArray[Any]) -> None:
    """Write an array as IDX, packed with gzip if the name ends in ``.gz``; whole or not at all.

    The same array always gives the same bytes: gzip's time stamp is left at zero.

    Args:
        path: the file, replaced if it is there.
        array: rank 1 or more; uint8, int8, int16, int32, float32 or float64.

    Raises:
        DataError: if IDX has no such dtype or rank, or the file cannot be written.
    """
    write_idx_parts(Path(path), array.shape, iter([array]))


def write_idx_parts(path: Path, shape: tuple[int, ...], parts: Iterator[NDArray[Any]]) -> None:
    """Write an array of this shape in parts, one or more, as `write_idx` writes the whole."""
    pack = _gzipped if path.suffix == ".gz" else nullcontext
    first = next(parts)
    try:
        with replacing(path) as file, pack(file) as target:
            target.write(_header_of(first.dtype, shape))
            for part in chain([first], parts):
                target.write(_values_of(part))
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def _gzipped(file: BinaryIO) -> gzip.GzipFile:
    # Level 6: level 9 takes several times as long for about 1 % less.
    return gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0)


def idx_sha256(array: NDArray[Any]) -> str:
    """Return the sha256, in hexadecimal, of the unpacked file that `write_idx` writes."""
    digest = hashlib.sha256(_header_of(array.dtype, array.shape))
    digest.update(_values_of(array))
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


def _examine(stream: io.BufferedIOBase) -> tuple[int, bool]:
    """Return a stream's length and whether it is packed; go to its beginning."""
    length = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    return length, packed


def _read_header(stream: io.BufferedIOBase, source: str) -> _Header:
    magic = stream.read(4)
    if not magic:
        raise _damaged(source, "is empty")
    if magic[:2] != b"\0\0":
        start = (magic + stream.read(60)).removeprefix(b"\xef\xbb\xbf").lstrip()
        if start.startswith(b"<"):
            raise _damaged(source, "looks like an HTML page, probably a download that failed")
        raise _damaged(source, "is not an IDX file, as it does not begin with two zero bytes")
    rank = magic[3] if len(magic) == 4 else 0
    sizes = stream.read(4 * rank)
    if len(magic) < 4 or len(sizes) < 4 * rank:
        raise _damaged(source, "ends within its header")
    if magic[2] not in DTYPES:
        what = f"is not an IDX file, as there is no dtype code 0x{magic[2]:02x}"
        raise _damaged(source, what)
    if not 1 <= rank <= _MAX_RANK:
        raise _damaged(source, f"has rank {rank}, but only ranks 1 to {_MAX_RANK} can be read")
    header = _Header(DTYPES[magic[2]], struct.unpack(f">{rank}I", sizes))
    # An empty array may still have other dimensions so large that NumPy refuses the shape.
    if math.prod(filter(None, header.shape)) * header.dtype.itemsize > sys.maxsize:
        raise _damaged(source, f"claims the absurd shape {header.shape}")
    return header


def _check_length(header: _Header, source: str, *, least: int = 0, most: int = sys.maxsize) -> None:
    """Compare the length that the header promises with bounds on what is there."""
    promise = f"the {header.bytes:,} bytes that its header promises"
    if header.bytes > most:
        raise _damaged(source, f"is too short for {promise}")
    if header.bytes < least:
        raise _damaged(source, f"goes on after {promise}")


def _damaged(source: str, what: str) -> DataError:
    return DataError(f"{source} {what}: it is damaged or of another kind, so get it again")


def _read_values(stream: io.BufferedIOBase, header: _Header, source: str) -> NDArray[Any]:
    array = np.empty(header.shape, header.dtype)
    view = array.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(view) and (count := stream.readinto(view[done : done + _CHUNK])):
        done += count
    _check_length(header, source, most=header.size + done)
    return array.astype(header.dtype.newbyteorder("="), copy=False)


def _map(file: io.BufferedReader, source: str) -> NDArray[Any]:
    length, packed = _examine(file)
    if packed:
        raise DataError(f"{source} is packed and cannot be mapped: unpack it with gunzip first")
    header = _read_header(file, source)
    _check_length(header, source, least=length, most=length)
    if header.dtype.itemsize > 1:
        dtype = header.dtype.newbyteorder("=")
        raise DataError(
            f"{source} holds big-endian {dtype} and is not mapped: read it without mmap"
        )
    return np.memmap(file, header.dtype, mode="r", offset=header.size, shape=header.shape)


def _header_of(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Return the header as it lies on disk."""
    code = _CODES.get(dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(map(str, _CODES))
        raise DataError(f"IDX cannot hold {dtype}: convert the array to one of {known}")
    if not shape or max(shape) >= 1 << 32:
        raise DataError(
            f"IDX cannot hold the shape {shape}: it needs a rank of 1 or more and "
            f"fewer than {1 << 32:,} values along each dimension"
        )
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)


def _values_of(array: NDArray[Any]) -> memoryview:
    """Return the values as they lie on disk, big-endian."""
    values = np.ascontiguousarray(array, array.dtype.newbyteorder(">"))
    return values.reshape(-1).view(np.uint8).data
