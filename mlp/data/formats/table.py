"""Tables of text: separated by commas, semicolons or tabs, with a header or without."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.bounds import check_unpacked
from mlp.common.errors import DataError
from mlp.data.raw import MISSING

DELIMITERS = ",;\t"

_BLOCK = 2_000  # rows parsed at a time, so that their floats stay few
_MAX_LINE = 1 << 20


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes:
        path: the file, for messages.
        names: of the columns; None where the file has no header.
        values: uint8, uint16 or float64, shape (N, columns); NaN where a value is missing, and in
            columns of words.
        words: the columns that hold words, by number, each of shape (N,).
    """

    path: Path
    names: tuple[str, ...] | None
    values: NDArray[Any]
    words: dict[int, NDArray[np.str_]]

    def title(self, column: int) -> str:
        """Name a column for a message."""
        return f"column {column + 1}" + (f" ({self.names[column]})" if self.names else "")

    def column(self, number: int) -> NDArray[Any]:
        """Return one column as numbers, whole ones as integers, or words; shape (N,)."""
        if number in self.words:
            return self.words[number]
        values = self.values[:, number]
        with np.errstate(invalid="ignore"):  # NaN and what is too large differ just below
            whole = values.astype(np.int64)
        return whole if np.array_equal(whole, values) else values.copy()


def read_table(path: Path) -> Table:
    """Read a file; 60,000 rows of 785 numbers take about two seconds.

    Raises:
        DataError: if it cannot be read, or a row has another number of columns than the first. The
            message gives the line of the first fault.
    """
    try:
        with _open(path) as file:
            head = list(islice(_lines(file, path), 2))
            if not head or not head[0].strip():
                raise DataError(f"{path} is empty or begins with an empty line: get it again")
            delimiter = _find_delimiter(head[0])
            rows = [_fields(line, delimiter) for line in head]
            names = tuple(rows[0]) if _is_header(rows, delimiter) else None
            parser = _Parser(path, delimiter, len(rows[0]))
            lines = chain(head[names is not None :], _lines(file, path))
            blocks = list(parser.blocks(lines, 1 + (names is not None)))
    except EOFError:
        raise DataError(f"{path} is cut off: get it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged gzip data ({error}): get it again") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    if not blocks:
        raise DataError(f"{path} ends after its header: it holds no images")
    return Table(path, names, np.concatenate(blocks), parser.all_words())


def _open(path: Path) -> IO[str]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace")
    return path.open(encoding="utf-8-sig", errors="replace")


def _lines(file: IO[str], path: Path) -> Iterator[str]:
    size, done = path.stat().st_size, 0
    while line := file.readline(_MAX_LINE):
        done += len(line)
        check_unpacked(path, size, done, DataError)
        yield line


def _fields(line: str, delimiter: str) -> list[str]:
    return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]


def _find_delimiter(line: str) -> str:
    """Return what stands most often between fields; a comma inside numbers is a decimal one."""
    fields = _fields(line, ";")
    if len(fields) > 1 and all("," not in field or _is_number(field, ";") for field in fields):
        return ";"
    return max(DELIMITERS, key=lambda mark: len(_fields(line, mark)))


def _is_header(rows: list[list[str]], delimiter: str) -> bool:
    """Whether the first of two rows names the columns.

    Names may be numbers, as a data frame's own: 0, 1, 2 … beside ``label``.
    """
    first = rows[0]
    numbers = [int(field) for field in first if field.isdecimal() and len(field) < 10]
    words = [i for i, field in enumerate(first) if not _is_number(field, delimiter)]
    if len(numbers) > 3 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return len(numbers) >= len(first) - 3 and (bool(words) or numbers[0] == 0)
    if len(words) == len(first):
        return True
    # A word above a number is a name; a word above a word is a value, as the label of each row.
    below = rows[-1] if len(rows) > 1 else []
    return any(
        i < len(below) and first[i].lower() not in MISSING and _is_number(below[i], delimiter)
        for i in words
    )


def _number(field: str, delimiter: str) -> float:
    """Read a number, with a decimal comma where semicolons stand between the fields.

    Raises:
        ValueError: if it is none.
    """
    if "_" in field:  # which Python takes for a separator
        raise ValueError
    return float(field.replace(",", ".") if delimiter == ";" else field)


def _is_number(field: str, delimiter: str) -> bool:
    try:
        return math.isfinite(_number(field, delimiter))
    except ValueError:
        return False


class _Parser:
    """Turns lines into arrays, block by block, and finds out which columns hold words."""

    def __init__(self, path: Path, delimiter: str, columns: int) -> None:
        self.path, self.delimiter, self.columns = path, delimiter, columns
        self.words: dict[int, list[NDArray[np.str_]]] = {}
        self._counts: list[int] = []  # of the rows of each block

    def blocks(self, lines: Iterator[str], number: int) -> Iterator[NDArray[Any]]:
        """Parse lines, the first with this line number, into arrays of shape (n, columns)."""
        while block := list(islice(lines, _BLOCK)):
            rows = [line for line in block if not line.isspace()]
            if rows:
                values = self._numbers(rows)
                if values is None:
                    values = self._fields(block, number)
                self._counts.append(len(rows))
                yield _narrow(values)
            number += len(block)

    def all_words(self) -> dict[int, NDArray[np.str_]]:
        """Return the columns of words."""
        return {column: np.concatenate(parts) for column, parts in self.words.items()}

    def _numbers(self, rows: list[str]) -> NDArray[np.float64] | None:
        """Parse rows of numbers, beside the known columns of words; None if they hold others."""
        others = [column for column in range(self.columns) if column not in self.words]
        if self.delimiter == ";" and not self.words:
            rows = [row.replace(",", ".") for row in rows]
        # A row that is longer goes unnoticed where columns are chosen.
        chosen = {"usecols": others} if self.words else {}
        if chosen and any(row.count(self.delimiter) != self.columns - 1 for row in rows):
            return None
        try:
            found = self._load(rows, np.float64, **chosen)
            if found.shape != (len(rows), len(others)):
                return None
            words = {
                column: self._load(rows, np.str_, usecols=[column])[:, 0] for column in self.words
            }
        except ValueError:
            return None
        for column, texts in words.items():
            self.words[column].append(np.char.strip(texts))
        if not chosen:
            return found
        values = np.full((len(rows), self.columns), np.nan)
        values[:, others] = found
        return values

    def _load(self, rows: list[str], dtype: type, **chosen: Any) -> NDArray[Any]:
        return np.loadtxt(
            rows, dtype, delimiter=self.delimiter, comments=None, quotechar='"', ndmin=2, **chosen
        )

    def _fields(self, block: list[str], number: int) -> NDArray[np.float64]:
        """Parse rows with words or missing values."""
        table = []
        for line_number, line in enumerate(block, number):
            if line.isspace():
                continue
            fields = _fields(line, self.delimiter)
            if len(fields) != self.columns:
                raise DataError(
                    f"line {line_number:,} of {self.path} has {len(fields):,} columns where "
                    f"{self.columns:,} belong: it is cut off or damaged, get it again"
                )
            table.append(fields)
        values = np.full((len(table), self.columns), np.nan)
        for column in range(self.columns):
            fields = [row[column] for row in table]
            missing = np.array([field.lower() in MISSING for field in fields])
            if column not in self.words:
                try:
                    values[~missing, column] = [
                        _number(field, self.delimiter)
                        for field in fields
                        if field.lower() not in MISSING
                    ]
                    continue
                except ValueError:
                    if self._counts:
                        self._refuse(column, fields, block, number)
            self.words.setdefault(column, []).append(np.array(fields, np.str_))
        return values

    def _refuse(self, column: int, fields: list[str], block: list[str], number: int) -> None:
        """Refuse a word far down in a column that held numbers up to there."""
        row, word = next(
            (i, field)
            for i, field in enumerate(fields)
            if field.lower() not in MISSING and not _is_number(field, self.delimiter)
        )
        line = [i for i, text in enumerate(block, number) if not text.isspace()][row]
        raise DataError(
            f"line {line:,} of {self.path} has {word[:20]!r} in column {column + 1:,}, where a "
            "number belongs: correct it or get the file again"
        )


def _narrow(values: NDArray[np.float64]) -> NDArray[Any]:
    """Return numbers as uint8 or uint16 where these hold them exactly."""
    for dtype in (np.uint8, np.uint16):
        with np.errstate(invalid="ignore"):  # NaN and values out of range are found just below
            narrow = values.astype(dtype)
        if np.array_equal(narrow, values):
            return narrow
    return values
