"""MATLAB's arrays by their names, as SVHN, USPS and the files of many courses come.

Source: MathWorks, MAT-File Format, Level 5. SciPy reads more of it, but ends the process on some
damaged files; arrays of numbers are all that is wanted here. See `mlp.data.formats.arrays` for the
names.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlp.common.bounds import check_unpacked, most_unpacked
from mlp.common.errors import DataError
from mlp.data.formats.arrays import as_splits, choose
from mlp.data.formats.registry import FORMATS, ReadFormat
from mlp.data.formats.request import Request
from mlp.data.formats.splits import RawSplits

_HEADER, _VERSION = 128, slice(124, 128)
_MATRIX, _COMPRESSED = 14, 15
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
           13: "u8"}  # fmt: skip
"""How numbers are written, by the number of the type; an array may be written in a narrower one."""

_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8",
            15: "u8"}  # fmt: skip
"""The dtypes of arrays of numbers, by their class; cells, texts and sparse ones are none."""

_COMPLEX, _LOGICAL = 0x08, 0x02

_MOST_AXES = 32
"""As many as any NumPy has."""


@FORMATS.register("mat")
class Mat(ReadFormat):
    """Arrays of numbers by their names; other things in the file are passed over."""

    title = "a MATLAB .mat file"
    endings = (".mat",)
    takes = frozenset({"label"})

    def matches(self, path: Path) -> bool:
        return path.suffix.lower() == ".mat" and path.is_file()

    def read(self, path: Path, request: Request) -> RawSplits:
        arrays = read_mat(path)
        return as_splits(choose(arrays, path), arrays, path, request)


def read_mat(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of numbers of a file.

    Raises:
        DataError: if it cannot be read, is damaged or of another version, or unpacks to more than
            `mlp.common.bounds` lets it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    version = content[_VERSION]
    if version in (b"\x00\x02IM", b"\x02\x00MI"):
        raise DataError(
            f"{path} is of MATLAB 7.3, which is HDF5 inside: save it by save(..., '-v7')"
        )
    if version not in (b"\x00\x01IM", b"\x01\x00MI"):
        raise DataError(f"{path} is no .mat file of MATLAB 5 to 7.2: save it by save(..., '-v7')")
    order, arrays, unpacked = "<" if version.endswith(b"IM") else ">", {}, 0
    try:
        for element in _elements(memoryview(content)[_HEADER:], order):
            if element.kind == _COMPRESSED:
                inner = _unpack(element.data, most_unpacked(len(content)) - unpacked)
                unpacked += len(inner)
                check_unpacked(path, len(content), unpacked, DataError)
                element = next(_elements(memoryview(inner), order))
            found = _matrix(element.data, order) if element.kind == _MATRIX else None
            if found is not None:
                wider = np.dtype(found.dtype).itemsize - found.stored.itemsize
                unpacked += max(0, wider) * found.stored.size
                check_unpacked(path, len(content), unpacked, DataError)
                arrays[found.name] = found.values()
    except (ValueError, IndexError, StopIteration, zlib.error) as error:
        raise DataError(f"{path} is a damaged .mat file ({error}): get it again") from None
    return arrays


class _Element(NamedTuple):
    """A piece of a file: the number of its type, and its bytes."""

    kind: int
    data: memoryview


def _elements(data: memoryview, order: str) -> Iterator[_Element]:
    """Yield the pieces that lie one behind the other; each begins with its type and its length."""
    place = 0
    while place < len(data):
        if len(data) - place < 8:
            raise ValueError("it is cut off")
        kind, count = (int(n) for n in np.frombuffer(data[place : place + 8], f"{order}u4"))
        if kind >> 16:  # up to four bytes, in the place of the length
            kind, count, start, place = kind & 0xFFFF, kind >> 16, place + 4, place + 8
            if count > 4:
                raise ValueError("a short element is too long")
        else:
            start, place = place + 8, place + 8 + count
            place += 0 if kind == _COMPRESSED else -count % 8
        if start + count > len(data):
            raise ValueError("it is cut off")
        yield _Element(kind, data[start : start + count])


def _unpack(data: memoryview, most: int) -> bytes:
    """Unpack a piece; of more than ``most`` bytes one more, which is refused by their count."""
    packed = zlib.decompressobj()
    inner = packed.decompress(data, max(1, most + 1))
    if len(inner) <= most and not packed.eof:
        raise ValueError("it is cut off")
    return inner


class _Matrix(NamedTuple):
    """An array: its numbers as they are stored, and the dtype and the shape that they are of."""

    name: str
    stored: NDArray[Any]
    dtype: str
    shape: tuple[int, ...]

    def values(self) -> NDArray[Any]:
        """Return the array."""
        with np.errstate(invalid="ignore"):
            return self.stored.astype(self.dtype).reshape(self.shape, order="F")


def _matrix(data: memoryview, order: str) -> _Matrix | None:
    """Read an array; None where these are no real numbers."""
    parts = list(islice(_elements(data, order), 4))  # of bytes that unpacked to millions
    if len(parts) < 4:
        return None  # of no bytes, or a function
    flags = int(np.frombuffer(parts[0].data[:4], f"{order}u4")[0])
    if flags & 0xFF not in _CLASSES or (flags >> 8) & _COMPLEX:
        return None
    if len(parts[1].data) > 4 * _MOST_AXES:
        raise ValueError("an array has too many axes")
    shape = tuple(int(n) for n in np.frombuffer(parts[1].data, f"{order}i4"))
    name, values = bytes(parts[2].data).decode("ascii"), parts[3]
    if values.kind not in _STORED:
        raise ValueError(f"{name} is written in no type of numbers")
    stored = np.frombuffer(values.data, order + _STORED[values.kind])
    if min(shape, default=0) < 0 or math.prod(shape) != len(stored):
        raise ValueError(f"{name} is not as large as its shape says")
    dtype = "?" if (flags >> 8) & _LOGICAL else _CLASSES[flags & 0xFF]
    return _Matrix(name, stored, dtype, shape)
