"""The lines of a text file, packed or not, in the encodings that people's programs write.

Some at a time are read as bytes where these will do, and as text.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlp.common.bounds import check_unpacked
from mlp.common.errors import DataError
from mlp.data.formats.text_fields import AS_WINDOWS

_LONGEST = 1 << 20  # of a line: as many characters are read as one
_PIECE = 256 << 10  # bytes read at a time
_BUFFERS = 3  # in turn, as fresh memory would cost as much as reading into it
_FEW = 100  # lines that are decoded at a time

_NEWLINE, _RETURN = b"\n\r"

_File = io.BufferedReader | gzip.GzipFile


@dataclass(frozen=True)
class Lines:
    """Some lines of a file.

    Attributes:
        count: how many there are.
        data: their bytes, each line ended by LF or by CR LF, UTF-8 or Windows-1252, until three
            more blocks are read; None where only their text is known.
        decoded: their text, where it is known.
    """

    count: int
    data: memoryview | None
    decoded: list[str] = field(default_factory=list)

    def text(self) -> list[str]:
        """Return them as text, each ended by LF, as Python reads files."""
        if self.data is None:
            return self.decoded
        return list(io.StringIO(str(self.data, "utf-8", AS_WINDOWS), newline=None))

    def after(self, count: int) -> Lines:
        """Return what is left without the first of them."""
        if self.data is None:
            return Lines(self.count - count, None, self.decoded[count:])
        start, data = 0, bytes(self.data)
        for _ in range(count):
            start = data.find(b"\n", start) + 1 or len(data)
        return Lines(self.count - count, self.data[start:])


class LineReader:
    """Reads a file from its start, packed by gzip or not, in whatever encoding.

    Args:
        path: the file, for messages.
        file: the same, open; what it holds is unpacked.
        packed: how many bytes it has where it is packed; None where it is not.

    Raises:
        DataError: from any of its methods, if what is packed unpacks to far too much.
        OSError, EOFError, zlib.error: from any, if it cannot be read.
    """

    def __init__(self, path: Path, file: _File, packed: int | None) -> None:
        self._path, self._file, self._packed, self._unpacked = path, file, packed, 0
        self._text: Iterator[str] | None = None  # once bytes will not do
        self._kept = file.read(len(codecs.BOM_UTF8))  # what is read, but not taken yet
        if self._kept.endswith(b"\r"):
            self._kept += file.read(1)
        self._count(len(self._kept))
        self._at = 0  # its place in the file
        self._buffers, self._turn = [bytearray() for _ in range(_BUFFERS)], 0
        if self._kept.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._text = self._as_text("utf-16", "replace")  # as spreadsheets save "Unicode text"
        elif self._kept.startswith(codecs.BOM_UTF8):
            self._at = len(codecs.BOM_UTF8)
            self._kept = self._kept[self._at :]

    def take(self, count: int) -> Lines:
        """Read so many lines, or as many as there are left."""
        if self._text is None and (found := self._take_bytes(count)) is not None:
            return found
        self._text = self._text or self._as_text("utf-8", AS_WINDOWS)
        text = list(islice(self._text, count))
        return Lines(len(text), None, text)

    def blocks(self, count: int) -> Iterator[Lines]:
        """Read all lines that are left, so many at a time and fewer in the end."""
        while (lines := self.take(count)).count:
            yield lines
            if lines.count < count:
                return

    def text(self) -> Iterator[str]:
        """Read all lines that are left as text, one after another."""
        for lines in self.blocks(_FEW):
            yield from lines.text()

    def put_back(self, lines: Lines) -> None:
        """Let lines that were read last be read once more."""
        if lines.data is None:
            self._text = chain(lines.decoded, self._text or ())
        else:
            self._kept = bytes(lines.data) + self._kept
            self._at -= len(lines.data)

    def _take_bytes(self, count: int) -> Lines | None:
        """Read lines as they are; None, and nothing is read, where one is ended by CR or too long.

        Python splits such lines, too, so that the numbers of all below depend on it.
        """
        self._turn = (self._turn + 1) % len(self._buffers)
        filled = len(self._kept)
        buffer = self._room(filled)
        buffer[:filled] = self._kept
        found = begun = seen = 0  # begun: bytes of a line that has not ended
        while True:
            if seen == filled:
                buffer = self._room(filled)
                filled += self._read_into(memoryview(buffer)[filled:])
            if seen == filled:  # at the end of the file
                count, cut = found + (begun > 0), filled
                break
            part = np.frombuffer(buffer, np.uint8)[seen:filled]
            is_end = part == _NEWLINE
            here = int(np.count_nonzero(is_end))
            first = buffer.find(b"\n", seen, filled) + 1 or filled
            if begun + first - seen > _LONGEST:
                return None
            if buffer.find(b"\r", seen, filled) >= 0 and _has_lone_return(part):
                return None
            if found + here >= count:
                cut = seen + int(np.flatnonzero(is_end)[count - found - 1]) + 1
                break
            begun = filled - 1 - buffer.rfind(b"\n", seen, filled) if here else begun + len(part)
            found, seen = found + here, filled
        self._kept = bytes(memoryview(buffer)[cut:filled])
        self._at += cut
        return Lines(count, memoryview(buffer)[:cut])

    def _room(self, filled: int) -> bytearray:
        """Return the buffer whose turn it is, with room behind so many bytes."""
        buffer = self._buffers[self._turn]
        if len(buffer) <= filled + _PIECE:
            larger = bytearray(2 * (filled + _PIECE))
            larger[: len(buffer)] = buffer
            self._buffers[self._turn] = buffer = larger
        return buffer

    def _read_into(self, room: memoryview) -> int:
        """Read on, and no less than a LF that belongs to the last CR; return how many bytes."""
        # No more than one read of the system's, so that a fault further on is met only there.
        count = self._file.readinto1(room[:_PIECE])
        if count and room[count - 1] == _RETURN:
            count += self._file.readinto1(room[count : count + 1])
        self._count(count)
        return count

    def _as_text(self, encoding: str, errors: str) -> Iterator[str]:
        """Read all that is left as text."""
        self._file.seek(self._at)
        self._unpacked = self._at
        with io.TextIOWrapper(self._file, encoding, errors) as file:
            while line := file.readline(_LONGEST):
                self._count(len(line))
                yield line

    def _count(self, more: int) -> None:
        self._unpacked += more
        if self._packed is not None:
            check_unpacked(self._path, self._packed, self._unpacked, DataError)


def _has_lone_return(characters: NDArray[np.uint8]) -> bool:
    """Tell whether a CR stands anywhere but before a LF."""
    is_return = characters == _RETURN
    pairs = np.count_nonzero(is_return[:-1] & (characters[1:] == _NEWLINE))
    return bool(np.count_nonzero(is_return) != pairs)


@contextmanager
def open_lines(path: Path) -> Iterator[LineReader]:
    """Open a file of text.

    Raises:
        DataError: if it cannot be read, or the block finds that a line is none of a table.
    """
    try:
        with path.open("rb") as file:
            packed = path.stat().st_size if file.read(2) == b"\x1f\x8b" else None
        opened: _File = gzip.GzipFile(path) if packed is not None else path.open("rb")
        with opened:
            yield LineReader(path, opened, packed)
    except csv.Error as error:
        raise DataError(f"{path} has a line that is no row ({error}): correct it") from None
    except EOFError:
        raise DataError(f"{path} is cut off: get it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged gzip data ({error}): get it again") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def text_blocks(lines: Iterator[str], count: int) -> Iterator[Lines]:
    """Go through lines of text so many at a time."""
    while text := list(islice(lines, count)):
        yield Lines(len(text), None, text)
