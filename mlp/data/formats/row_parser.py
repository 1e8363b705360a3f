"""The rows of a table of text, some lines at a time: numbers, words and missing values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.formats.table_head import Head
from mlp.data.formats.text_fields import fields_of, from_spaces, is_number, to_number
from mlp.data.formats.text_lines import Lines
from mlp.data.formats.whole_numbers import parse_whole
from mlp.data.raw import MISSING, as_words

Words = dict[int, NDArray[np.str_]]
Texts = dict[int, list[str]]


class RowParser:
    """Turns lines into arrays, block by block, and finds out which columns hold words.

    Args:
        path: the file, for messages.
        head: how it begins.
    """

    def __init__(self, path: Path, head: Head) -> None:
        self._path, self._delimiter, self._columns = path, head.delimiter, head.columns
        self._is_spaced = head.is_spaced
        self._words: list[int] | None = None  # the columns of words, once a block is read

    def plain(self, blocks: Iterable[Lines]) -> Iterator[tuple[Lines, NDArray[Any] | None]]:
        """Add to each block its numbers, if it holds nothing but small whole ones.

        This changes nothing, so that a thread may do it while `parse` is at an earlier block.
        """
        for lines in blocks:
            if lines.data is None or self._is_spaced or self._words:
                yield lines, None
            else:
                yield lines, self._whole(lines.data)

    def parse(
        self, lines: Lines, plain: NDArray[Any] | None, number: int, texts: Sequence[int]
    ) -> tuple[NDArray[Any], Words, Texts] | None:
        """Parse lines, the first with this number.

        Args:
            lines: the lines.
            plain: what `plain` found.
            number: that of the first line.
            texts: columns to keep as they are written.

        Returns:
            The numbers of n rows, shape (n, columns), the columns of words, and those that are
            kept as they are written; None where there are no rows.
        """
        if plain is not None and not self._words:
            self._words = []
            return plain, {}, self._texts(lines.text() if texts else [], texts)
        block = list(map(from_spaces, lines.text())) if self._is_spaced else lines.text()
        rows = [line for line in block if not line.isspace()]
        if not rows:
            return None
        is_tried = lines.data is not None and not self._is_spaced and len(rows) == len(block)
        whole = None if is_tried or self._words else self._whole("".join(rows).encode())
        values, words = (
            (whole, Words())
            if whole is not None
            else self._numbers(rows) or self._fields(block, number)
        )
        self._words = list(words)
        return values, words, self._texts(rows, texts)

    def _whole(self, data: bytes | memoryview) -> NDArray[Any] | None:
        return parse_whole(data, self._delimiter, self._columns)

    def _texts(self, rows: list[str], columns: Sequence[int]) -> Texts:
        """Return some columns of rows as they are written."""
        if not columns:
            return {}
        last = max(columns)
        fields = [
            fields_of(row, self._delimiter)
            if '"' in row
            else [field.strip() for field in row.split(self._delimiter, last + 1)]
            for row in rows
        ]
        return {column: [row[column] for row in fields] for column in columns}

    def _numbers(self, rows: list[str]) -> tuple[NDArray[Any], Words] | None:
        """Parse rows of numbers, beside the known columns of words; None if they hold others."""
        known = self._words or []
        others = [column for column in range(self._columns) if column not in known]
        if self._delimiter == ";" and not known:
            rows = [row.replace(",", ".") for row in rows]
        # A row that is longer goes unnoticed where columns are chosen.
        chosen = {"usecols": others} if known else {}
        if chosen and any(row.count(self._delimiter) != self._columns - 1 for row in rows):
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
        values = np.full((len(rows), self._columns), np.nan)
        values[:, others] = found
        return values, words

    def _load(self, rows: list[str], dtype: type, **chosen: Any) -> NDArray[Any]:
        return np.loadtxt(
            rows, dtype, delimiter=self._delimiter, comments=None, quotechar='"', ndmin=2, **chosen
        )

    def _fields(self, block: list[str], number: int) -> tuple[NDArray[np.float64], Words]:
        """Parse rows with words or missing values."""
        table = []
        for line_number, line in enumerate(block, number):
            if line.isspace():
                continue
            fields = fields_of(line, self._delimiter)
            if len(fields) != self._columns:
                raise DataError(
                    f"line {line_number:,} of {self._path} has {len(fields):,} "
                    f"column{'s' * (len(fields) != 1)} where {self._columns:,} belong: it is cut "
                    "off or damaged, get it again"
                )
            table.append(fields)
        values, words = np.full((len(table), self._columns), np.nan), {}
        for column in range(self._columns):
            fields = [row[column] for row in table]
            missing = np.array([field.lower() in MISSING for field in fields])
            if self._words is None or column not in self._words:
                try:
                    values[~missing, column] = [
                        to_number(field, self._delimiter)
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
            if field.lower() not in MISSING and not is_number(field, self._delimiter)
        )
        line = [i for i, text in enumerate(block, number) if not text.isspace()][row]
        raise DataError(
            f"line {line:,} of {self._path} has {word[:20]!r} in column {column + 1:,}, where a "
            "number belongs: correct it or get the file again"
        )
