"""Reading ``.npz``, NumPy's zip of arrays, without trusting it: nothing is ever unpickled."""

from __future__ import annotations

import io
import math
import operator
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mlp.common import bounds
from mlp.common.bounds import check_unpacked
from mlp.common.errors import MLPError

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the two that NumPy writes


def is_zip(path: Path) -> bool:
    """Whether the file begins as a zip does."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\3\4"


def read_npz(
    path: Path, kind: type[MLPError], names: tuple[str, ...] | None = None
) -> dict[str, NDArray[Any]]:
    """Read the arrays of a file, each of exactly the size that its header and the zip agree on.

    Args:
        path: the file.
        kind: the class of the errors that are raised.
        names: the arrays to read; all unless given. Those that are not there are left out.

    Raises:
        MLPError: of that kind, if the file cannot be read, is damaged, unpacks to more than
            `mlp.common.bounds` lets it, or an array in it holds Python objects.
    """
    with _open_zip(path, kind) as (archive, members):
        if names is not None:
            members = {name: members[name] for name in names if name in members}
        _check_members(path, members, kind)
        return {name: _read(archive, info, path, kind) for name, info in members.items()}


def npz_names(path: Path, kind: type[MLPError]) -> list[str]:
    """List the names of a file's arrays.

    Raises:
        MLPError: of that kind, if the file cannot be read or is damaged.
    """
    with _open_zip(path, kind) as (_, members):
        return list(members)


def read_npy(path: Path, kind: type[MLPError]) -> NDArray[Any]:
    """Read the array of an ``.npy`` file, or map a large one, read-only.

    Raises:
        MLPError: of that kind, if the file cannot be read, is damaged, or holds Python objects.
    """
    try:
        with path.open("rb") as file:
            shape, dtype = _read_header(file)
            size = path.stat().st_size
            _check_header(path, path.name, shape, dtype, size - file.tell(), kind)
            if size < bounds.MAPPED_FROM:
                file.seek(0)
                array = np.lib.format.read_array(file, allow_pickle=False)
                array.flags.writeable = False
                return array
        return np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise kind(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise kind(f"{path} is a damaged .npy file ({error}): get or make it again") from None


class ArrayReader:
    """One array of a file, read from its beginning to its end in chunks.

    Args:
        archive: the open file.
        info: the array in it.
        path: the file's name.
        kind: the class of the errors that are raised.

    Attributes:
        shape, dtype: of the array.

    Raises:
        MLPError: as `read_npz`.
    """

    def __init__(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, kind: type[MLPError]
    ) -> None:
        self._archive, self._info, self._path = archive, info, path
        with archive.open(info) as file:
            self.shape, self.is_fortran, self.dtype = _read_whole_header(file)
            there = info.file_size - file.tell()
        _check_header(path, info.filename, self.shape, self.dtype, there, kind)

    def chunks(self, rows: int) -> Iterator[NDArray[Any]]:
        """Yield so many rows at a time, the last ones fewer."""
        if self.is_fortran:  # its rows lie scattered
            with self._archive.open(self._info) as file:
                whole = np.lib.format.read_array(file, allow_pickle=False)
            yield from (whole[start : start + rows] for start in range(0, len(whole), rows))
            return
        if self._info.compress_type == zipfile.ZIP_STORED and not self._info.flag_bits & 1:
            yield from self._stored(rows)
            return
        with self._archive.open(self._info) as file:
            _read_whole_header(file)
            yield from _read_on(file, self.shape, self.dtype, rows)

    def _stored(self, rows: int) -> Iterator[NDArray[Any]]:
        """Read an array that is not packed past the zip, which copies; with its checksum."""
        with self._path.open("rb") as file:
            file.seek(self._info.header_offset)
            name, extra = struct.unpack("<26xHH", file.read(30))
            file.seek(name + extra, io.SEEK_CUR)
            header = self._info.file_size - math.prod(self.shape) * self.dtype.itemsize
            checksum = zlib.crc32(file.read(header))
            for part in _read_on(file, self.shape, self.dtype, rows):
                checksum = zlib.crc32(part.data, checksum)
                yield part
        if checksum != self._info.CRC:
            raise zipfile.BadZipFile(f"bad CRC-32 for {self._info.filename}")


def _read_on(
    file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any], rows: int
) -> Iterator[NDArray[Any]]:
    """Read the values of an array behind its header, so many rows at a time."""
    for start in range(0, shape[0], rows):
        part = (min(rows, shape[0] - start), *shape[1:])
        content = file.read(math.prod(part) * dtype.itemsize)
        yield np.frombuffer(content, dtype).reshape(part)


class NpyReader:
    """The array of an open ``.npy`` file; see `ArrayReader`."""

    def __init__(self, file: IO[bytes], path: Path, kind: type[MLPError]) -> None:
        self._file, self._path = file, path
        self.shape, self._is_fortran, self.dtype = _read_whole_header(file)
        there = path.stat().st_size - file.tell()
        _check_header(path, path.name, self.shape, self.dtype, there, kind)

    def chunks(self, rows: int) -> Iterator[NDArray[Any]]:
        """Yield so many rows at a time, the last ones fewer."""
        if not self._is_fortran:
            yield from _read_on(self._file, self.shape, self.dtype, rows)
            return
        whole = np.load(self._path, mmap_mode="r")
        yield from (whole[start : start + rows] for start in range(0, len(whole), rows))


@contextmanager
def open_npy(path: Path, kind: type[MLPError]) -> Iterator[NpyReader]:
    """Open the array of an ``.npy`` file, to be read chunk by chunk.

    Raises:
        MLPError: of that kind, as `read_npy`.
    """
    try:
        with path.open("rb") as file:
            yield NpyReader(file, path, kind)
    except OSError as error:
        raise kind(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise kind(f"{path} is a damaged .npy file ({error}): get or make it again") from None


@contextmanager
def open_npz(path: Path, kind: type[MLPError]) -> Iterator[dict[str, ArrayReader]]:
    """Open the arrays of a file, to be read chunk by chunk, by their names.

    Raises:
        MLPError: of that kind, as `read_npz`.
    """
    with _open_zip(path, kind) as (archive, members):
        _check_members(path, members, kind)
        yield {name: ArrayReader(archive, info, path, kind) for name, info in members.items()}


@contextmanager
def _open_zip(
    path: Path, kind: type[MLPError]
) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """Open a file with its arrays by their names; say what is wrong with it there and inside."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield (
                archive,
                {
                    info.filename.removesuffix(".npy"): info
                    for info in archive.infolist()
                    if info.filename.endswith(".npy")
                },
            )
    except OSError as error:
        raise kind(f"cannot read {path}: {error.strerror or error}") from None
    # RuntimeError is what an encrypted member raises, NotImplementedError among them.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise kind(f"{path} is a damaged .npz file ({error}): get or make it again") from None


def _check_members(path: Path, members: dict[str, zipfile.ZipInfo], kind: type[MLPError]) -> None:
    total = sum(info.file_size for info in members.values())
    check_unpacked(path, path.stat().st_size, total, kind)
    for name, info in members.items():
        if info.compress_type not in _METHODS:
            raise kind(f"{path} packs {name} in a way that NumPy never does: make it again")


def _read(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, kind: type[MLPError]
) -> NDArray[Any]:
    with archive.open(info) as file:
        shape, dtype = _read_header(file)
        there = info.file_size - file.tell()
    _check_header(path, info.filename, shape, dtype, there, kind)
    with archive.open(info) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return array


def _check_header(
    path: Path,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    there: int,
    kind: type[MLPError],
) -> None:
    """Compare what a header promises with what is there, before an array of that size is made."""
    # A value of no bytes counts as one, or an array of none could promise any number of them.
    promised = math.prod(shape) * max(dtype.itemsize, 1)
    if dtype.hasobject:
        raise kind(
            f"{path} holds Python objects in {name}, and unpickling them could run "
            "anything: save plain arrays instead"
        )
    if promised != there:
        raise kind(
            f"{name} in {path} promises {promised:,} bytes and has {there:,}: "
            "it is damaged, get or make it again"
        )


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read the shape and the dtype of an array, and go to its values."""
    shape, _, dtype = _read_whole_header(file)
    return shape, dtype


def _read_whole_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the shape, whether columns are stored one after another, and the dtype of an array.

    Raises:
        ValueError: if the header is damaged.
    """
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(np.lib.format.read_magic(file))
    if read is None:
        raise ValueError("its header is of an unknown version")
    try:
        shape, is_fortran, dtype = read(file)
        shape = tuple(map(operator.index, shape))
    except (zlib.error, zipfile.BadZipFile, OSError, RuntimeError):
        raise
    except Exception:  # NumPy parses the header as Python, which fails in a dozen ways
        raise ValueError("the header of an array cannot be read") from None
    return shape, bool(is_fortran), dtype
