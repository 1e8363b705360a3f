"""Rows of small whole numbers, as tables of pixels are: parsed all at once, by their bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_PIECE = 256 << 10  # bytes at a time, so that what is computed of them stays in a core's cache

_ZERO, _NEWLINE, _RETURN = b"0\n\r"


def parse_whole(data: bytes | memoryview, delimiter: str, columns: int) -> NDArray[Any] | None:
    """Parse rows of numbers from 0 to 999 with nothing but the delimiter between them.

    Args:
        data: lines that end alike, in LF or in CR LF; the end of the last one may be missing.
        delimiter: one character.
        columns: how many numbers stand in each row.

    Returns:
        The numbers, uint8 where these hold them and else uint16, shape (N, columns); None where
        anything else is found.
    """
    characters = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(characters == _NEWLINE) + 1  # (N,)
    first = bytes(data[: ends[0] - 1] if len(ends) else data)
    if not first.removesuffix(b"\r").replace(delimiter.encode(), b"").isdigit():
        return None
    end = b"\r\n" if first.endswith(b"\r") else b"\n"
    if characters[-1] != _NEWLINE:
        return parse_whole(bytes(data) + end, delimiter, columns)
    rows = len(ends)
    if 2 * rows * columns > len(data):  # nor is there memory for them, maybe
        return None
    values: NDArray[Any] = np.empty((rows, columns), np.uint8)
    step, start = max(1, _PIECE * rows // len(data)), 0
    for row in range(0, rows, step):
        here = ends[row : row + step]
        part = _parse_piece(
            characters[start : here[-1]], here - start, ord(delimiter), columns, len(end)
        )
        if part is None:
            return None
        if part.dtype != values.dtype:
            values = values.astype(np.uint16)
        values[row : row + step] = part
        start = here[-1]
    return values


def _parse_piece(
    characters: NDArray[np.uint8], ends: NDArray[np.int64], mark: int, columns: int, end: int
) -> NDArray[Any] | None:
    """Parse lines, each ended by so many characters.

    Args:
        characters: shape (B,), as have most arrays below: something of each character.
        ends: where each of the n lines ends, shape (n,).
        mark: what stands between numbers.
        columns: how many stand in each row.
        end: 1 for LF, 2 for CR LF.
    """
    B, rows = len(characters), len(ends)
    read = np.empty(B + 1, np.uint8)  # one place behind, where the mark after a number stands
    digits = np.subtract(characters, _ZERO, out=read[1:])
    is_mark = digits > 9
    marks: NDArray[Any] = np.flatnonzero(is_mark)  # behind each number, and a LF behind each CR
    if len(marks) != rows * (columns + end - 1) or is_mark[0]:
        return None
    marks = marks.reshape(rows, -1)
    if (marks[:, -1] != ends - 1).any():
        return None
    if np.count_nonzero(characters == mark) != rows * (columns - 1):
        return None
    if end == 2 and (characters[ends - 2] != _RETURN).any():
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
    behind = marks[:, :columns]
    scaled = hundreds * np.uint8(100)
    read[3:] += scaled[3:]  # of which one above 255 becomes less
    if hundreds.max() <= 2 and not (read[3:] < scaled[3:]).any():
        return read.take(behind)
    read[3:] -= scaled[3:]
    found: NDArray[np.uint16] = read.take(behind) + hundreds.take(behind) * np.uint16(100)
    return found
