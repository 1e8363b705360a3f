"""Tables of text: separated by commas, semicolons or tabs, with a header or without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.formats.table_head import Head, read_head
from mlp.data.formats.text_fields import (
    fields_of,
    from_spaces,
    is_number,
    to_number,
)
from mlp.data.formats.text_lines import open_lines
from mlp.data.formats.whole_numbers import parse_whole
from mlp.data.raw import MISSING, as_words

_BLOCK = 2_000  # rows parsed at a time, so that their floats stay few
_HEAD = 100  # lines that tell whether the first one names the columns


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes:
        path: the file, for messages.
        names: of the columns; None where the file has no header.
        values: uint8, uint16 or float64, shape (N, columns); NaN where a value is missing, and in
            columns of words.
        words: the columns that hold words, by number, each of shape (N,).
        texts: columns as they are written, by number, where that was asked for.
    """

    path: Path
    names: tuple[str, ...] | None
    values: NDArray[Any]
    words: dict[int, NDArray[np.str_]]
    texts: dict[int, list[str]] = field(default_factory=dict)

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
    """Read a file; 60,000 rows of 785 numbers take about a second.

    Raises:
        DataError: if it cannot be read, or a row has another number of columns than the first. The
            message gives the line of the first fault.
    """
    with open_table(path) as file:
        return file.read()


@contextmanager
def open_table(path: Path) -> Iterator[TableFile]:
    """Open a file to be read block by block.

    Raises:
        DataError: as `read_table`.
    """
    with open_lines(path) as lines:
        head = list(islice(lines, _HEAD))
        if not head or not head[0].strip():
            raise DataError(f"{path} is empty or begins with an empty line: get it again")
        found = read_head(head, path)
        lines = chain(head[found.skipped + (found.names is not None) :], lines)
        yield TableFile(path, found, map(from_spaces, lines) if found.is_spaced else lines)


class TableFile:
    """A file whose first line is known.

    Attributes:
        path: the file.
        names: of the columns; None where it has no header.
        columns: how many there are.
    """

    def __init__(self, path: Path, head: Head, lines: Iterator[str]) -> None:
        self.path, self.names, self.columns = path, head.names, head.columns
        self._parser = _Parser(path, head.delimiter, head.columns)
        self._first, self._lines = 1 + head.skipped + (head.names is not None), lines

    def read(self) -> Table:
        """Read all rows.

        Raises:
            DataError: as `read_table`.
        """
        blocks = list(self.blocks())
        words = {c: np.concatenate([block.words[c] for block in blocks]) for c in blocks[0].words}
        values = np.concatenate([block.values for block in blocks])
        return Table(self.path, self.names, values, words)

    def blocks(self, texts: Sequence[int] = ()) -> Iterator[Table]:
        """Read the rows, a block of them at a time.

        Args:
            texts: columns whose values are kept as they are written, too; see `Table.texts`.

        Raises:
            DataError: as `read_table`.
        """
        empty = True
        for rows, values, words in self._parser.blocks(self._lines, self._first):
            empty = False
            kept = self._parser.texts(rows, texts)
            yield Table(self.path, self.names, narrow(values), words, kept)
        if empty:
            raise DataError(f"{self.path} ends after its header: it holds no rows")


Words = dict[int, NDArray[np.str_]]


class _Parser:
    """Turns lines into arrays, block by block, and finds out which columns hold words."""

    def __init__(self, path: Path, delimiter: str, columns: int) -> None:
        self.path, self.delimiter, self.columns = path, delimiter, columns
        self._words: list[int] | None = None  # the columns of words, once a block is read

    def blocks(
        self, lines: Iterator[str], number: int
    ) -> Iterator[tuple[list[str], NDArray[Any], Words]]:
        """Parse lines, the first with this line number.

        Yields:
            The lines of n rows, their numbers of shape (n, columns), and the columns of words.
        """
        while block := list(islice(lines, _BLOCK)):
            rows = [line for line in block if not line.isspace()]
            if rows:
                values, words = self._numbers(rows) or self._fields(block, number)
                self._words = list(words)
                yield rows, values, words
            number += len(block)

    def texts(self, rows: list[str], columns: Sequence[int]) -> dict[int, list[str]]:
        """Return some columns of rows as they are written."""
        if not columns:
            return {}
        last = max(columns)
        fields = [
            fields_of(row, self.delimiter)
            if '"' in row
            else [field.strip() for field in row.split(self.delimiter, last + 1)]
            for row in rows
        ]
        return {column: [row[column] for row in fields] for column in columns}

    def _numbers(self, rows: list[str]) -> tuple[NDArray[Any], Words] | None:
        """Parse rows of numbers, beside the known columns of words; None if they hold others."""
        known = self._words or []
        others = [column for column in range(self.columns) if column not in known]
        if not known and (whole := parse_whole(rows, self.delimiter, self.columns)) is not None:
            return whole, {}
        if self.delimiter == ";" and not known:
            rows = [row.replace(",", ".") for row in rows]
        # A row that is longer goes unnoticed where columns are chosen.
        chosen = {"usecols": others} if known else {}
        if chosen and any(row.count(self.delimiter) != self.columns - 1 for row in rows):
            return None
        try:
            found = self._load(rows, np.float64, **chosen)
            if found.shape != (len(rows), len(others)):
                return None
            words = {
                column: as_words(self._load(rows, object, usecols=[column])[:, 0])
                for column in known
            }
        except ValueError:
            return None
        if not chosen:
            return found, {}
        values = np.full((len(rows), self.columns), np.nan)
        values[:, others] = found
        return values, words

    def _load(self, rows: list[str], dtype: type, **chosen: Any) -> NDArray[Any]:
        return np.loadtxt(
            rows, dtype, delimiter=self.delimiter, comments=None, quotechar='"', ndmin=2, **chosen
        )

    def _fields(self, block: list[str], number: int) -> tuple[NDArray[np.float64], Words]:
        """Parse rows with words or missing values."""
        table = []
        for line_number, line in enumerate(block, number):
            if line.isspace():
                continue
            fields = fields_of(line, self.delimiter)
            if len(fields) != self.columns:
                raise DataError(
                    f"line {line_number:,} of {self.path} has {len(fields):,} "
                    f"column{'s' * (len(fields) != 1)} where {self.columns:,} belong: it is cut "
                    "off or damaged, get it again"
                )
            table.append(fields)
        values, words = np.full((len(table), self.columns), np.nan), {}
        for column in range(self.columns):
            fields = [row[column] for row in table]
            missing = np.array([field.lower() in MISSING for field in fields])
            if self._words is None or column not in self._words:
                try:
                    values[~missing, column] = [
                        to_number(field, self.delimiter)
                        for field in fields
                        if field.lower() not in MISSING
                    ]
                    continue
                except ValueError:
                    if self._words is not None:
                        self._refuse(column, fields, block, number)
            words[column] = as_words(fields)
        return values, words

    def _refuse(self, column: int, fields: list[str], block: list[str], number: int) -> None:
        """Refuse a word far down in a column that held numbers up to there."""
        row, word = next(
            (i, field)
            for i, field in enumerate(fields)
            if field.lower() not in MISSING and not is_number(field, self.delimiter)
        )
        line = [i for i, text in enumerate(block, number) if not text.isspace()][row]
        raise DataError(
            f"line {line:,} of {self.path} has {word[:20]!r} in column {column + 1:,}, where a "
            "number belongs: correct it or get the file again"
        )


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as uint8 or uint16 where these hold them exactly."""
    for dtype in (np.uint8, np.uint16):
        with np.errstate(invalid="ignore"):  # NaN and values out of range are found just below
            narrow = values.astype(dtype)
        if np.array_equal(narrow, values):
            return narrow
    return values
