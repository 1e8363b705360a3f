"""Rows of small whole numbers, as tables of pixels are: parsed all at once, by their bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PIECE = 128 << 10  # bytes at a time, so that all that is computed of them stays in a core's cache

_ZERO, _NEWLINE, _RETURN = b"0\n\r"


def parse_whole(data: bytes, delimiter: str, columns: int) -> NDArray[Any] | None:
    """Parse rows of numbers from 0 to 999 with nothing but the delimiter between them.

    Args:
        data: lines that end alike, in LF or in CR LF; the end of the last one may be missing.
        delimiter: one character.
        columns: how many numbers stand in each row.

    Returns:
        The numbers, uint8 where these hold them and else uint16, shape (N, columns); None where
        anything else is found.
    """
    first = data[:stop] if (stop := data.find(b"\n")) >= 0 else data
    end = b"\r\n" if first.endswith(b"\r") else b"\n"
    if not first.removesuffix(b"\r").replace(delimiter.encode(), b"").isdigit():
        return None
    if not data.endswith(b"\n"):
        data += end
    rows = np.count_nonzero(np.frombuffer(data, np.uint8) == _NEWLINE)
    if 2 * rows * columns > len(data):  # nor is there memory for them, maybe
        return None
    values: NDArray[Any] = np.empty((rows, columns), np.uint8)
    done = 0
    for start, stop in _pieces(data):
        characters = np.frombuffer(data, np.uint8, stop - start, start)
        part = _parse_piece(characters, ord(delimiter), columns, len(end))
        if part is None:
            return None
        if part.dtype != values.dtype:
            values = values.astype(np.uint16)
        values[done : done + len(part)] = part
        done += len(part)
    return values


def _pieces(data: bytes) -> Iterator[tuple[int, int]]:
    """Cut lines into pieces of whole ones, each of about as many bytes."""
    start = 0
    while start < len(data):
        stop = data.rfind(b"\n", start, start + _PIECE) + 1
        stop = stop or data.find(b"\n", start + _PIECE) + 1
        yield start, stop
        start = stop


def _parse_piece(
    characters: NDArray[np.uint8], mark: int, columns: int, end: int
) -> NDArray[Any] | None:
    """Parse lines, each ended by so many characters.

    Args:
        characters: shape (B,), as have most arrays below: something of each character.
        mark: what stands between numbers.
        columns: how many stand in each row.
        end: 1 for LF, 2 for CR LF.
    """
    B = len(characters)
    read = np.empty(B + 1, np.uint8)  # one place behind, where the mark after a number stands
    digits = np.subtract(characters, _ZERO, out=read[1:])
    is_mark = digits > 9
    marks = np.flatnonzero(is_mark)  # (M,): one behind each number, and a LF behind each CR
    rows, rest = divmod(len(marks), columns + end - 1)
    if rest or not rows or is_mark[0]:
        return None
    by_row = marks.reshape(rows, -1)
    lasts, is_newline = by_row[:, -1], characters == _NEWLINE
    if np.count_nonzero(is_newline) != rows or not is_newline[lasts].all():
        return None
    if np.count_nonzero(characters == mark) != rows * (columns - 1):
        return None
    if end == 2 and (characters[lasts - 1] != _RETURN).any():
        return None
    if np.count_nonzero(is_mark[1:] & is_mark[:-1]) != rows * (end - 1):
        return None  # a number is missing
    is_digit = ~is_mark
    are_two = is_digit[1:] & is_digit[:-1]
    if (are_two[2:] & are_two[:-2]).any():
        return None  # a number has four digits
    digits *= is_digit.view(np.uint8)
    tens = digits * np.uint8(10)
    hundreds = np.zeros(B + 1, np.uint8)
    np.multiply(digits[:-2], are_two[1:].view(np.uint8), out=hundreds[3:])
    digits[1:] += tens[:-1]
    ends = by_row[:, :columns]
    scaled = hundreds * np.uint8(100)
    read[3:] += scaled[3:]  # of which one above 255 becomes less
    if hundreds.max() <= 2 and not (read[3:] < scaled[3:]).any():
        return read.take(ends)
    read[3:] -= scaled[3:]
    found: NDArray[np.uint16] = read.take(ends) + hundreds.take(ends) * np.uint16(100)
    return found
