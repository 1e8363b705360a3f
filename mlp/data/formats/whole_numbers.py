"""Rows of small whole numbers, as tables of pixels are: parsed all at once, by their bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_ROWS = 200  # at a time, so that what is computed of a row of 785 numbers stays in a core's cache


def parse_whole(rows: Sequence[str], delimiter: str, columns: int) -> NDArray[np.uint16] | None:
    """Parse rows of numbers from 0 to 999 with nothing but the delimiter between them.

    On tables of MNIST this is three to four times as fast as `numpy.loadtxt`.

    Args:
        rows: each of one line.
        delimiter: one character.
        columns: how many numbers stand in each row.

    Returns:
        The numbers, shape (N, columns); None where anything else is found.
    """
    first = rows[0].replace(delimiter, "").rstrip("\n")
    if not (first.isascii() and first.isdecimal()):
        return None
    parts = []
    for start in range(0, len(rows), _ROWS):
        part = _parse("".join(rows[start : start + _ROWS]), delimiter, columns)
        if part is None:
            return None
        parts.append(part)
    return np.concatenate(parts)


def _parse(text: str, delimiter: str, columns: int) -> NDArray[np.uint16] | None:
    if not text.endswith("\n"):
        text += "\n"
    characters = np.frombuffer(text.encode(), np.uint8)  # (B,)
    digits = characters - np.uint8(ord("0"))
    is_digit = digits < 10
    ends = np.flatnonzero(~is_digit)  # one for each number, just behind it
    count, rest = divmod(len(ends), columns)
    if rest or not count or not is_digit[0]:
        return None
    marks = characters[ends].reshape(count, columns)
    if (marks[:, -1] != ord("\n")).any() or (marks[:, :-1] != ord(delimiter)).any():
        return None
    pairs = is_digit[1:] & is_digit[:-1]
    if not (is_digit[1:] | is_digit[:-1]).all() or (pairs[2:] & pairs[:-2]).any():
        return None  # a number is missing, or has four digits
    digits *= is_digit
    values = digits.astype(np.uint16)  # of the number that ends here, where one does
    values[1:] += digits[:-1] * np.uint16(10)
    values[2:] += (digits[:-2] * is_digit[1:-1]) * np.uint16(100)
    found: NDArray[np.uint16] = values[ends - 1].reshape(count, columns)
    return found
