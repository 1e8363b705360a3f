"""Tables of text: separated by commas, semicolons or tabs, with a header or without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.common.threads import ahead, start_pool
from mlp.data.formats.row_parser import RowParser
from mlp.data.formats.table_head import Head, read_head
from mlp.data.formats.text_lines import Lines, open_lines

_BLOCK = 2_000  # rows parsed at a time, so that their floats stay few
_HEAD = 100  # lines that tell whether the first one names the columns
_WIDEST = 8_000  # columns of a table of which several blocks are in memory at once


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
        if values.dtype.kind == "u":
            return values.astype(np.int64)
        with np.errstate(invalid="ignore"):  # NaN and what is too large differ just below
            whole = values.astype(np.int64)
        return whole if np.array_equal(whole, values) else values.copy()


def read_table(path: Path) -> Table:
    """Read a file.

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
    with open_lines(path) as reader:
        lines = reader.take(_HEAD)
        head = lines.text()
        if not head or not head[0].strip():
            raise DataError(f"{path} is empty or begins with an empty line: get it again")
        found = read_head(head, path)
        reader.put_back(lines.after(found.skipped + (found.names is not None)))
        yield TableFile(path, found, reader.blocks)


class TableFile:
    """A file whose first line is known.

    Args:
        path: the file, for messages.
        head: how it begins.
        read: reads the lines behind that, so many at a time.

    Attributes:
        path: the file.
        names: of the columns; None where it has no header.
        columns: how many there are.
    """

    def __init__(self, path: Path, head: Head, read: Callable[[int], Iterator[Lines]]) -> None:
        self.path, self.names, self.columns = path, head.names, head.columns
        self._parser = RowParser(path, head)
        self._first = 1 + head.skipped + (head.names is not None)
        self._read = read

    def read(self, texts: Sequence[int] = ()) -> Table:
        """Read all rows.

        Args:
            texts: as for `blocks`.

        Raises:
            DataError: as `read_table`.
        """
        blocks = list(self.blocks(texts))
        words = {c: np.concatenate([block.words[c] for block in blocks]) for c in blocks[0].words}
        values = np.concatenate([block.values for block in blocks])
        kept = {c: [text for block in blocks for text in block.texts[c]] for c in texts}
        return Table(self.path, self.names, values, words, kept)

    def blocks(self, texts: Sequence[int] = ()) -> Iterator[Table]:
        """Read the rows, a block of them at a time.

        Args:
            texts: columns whose values are kept as they are written, too; see `Table.texts`.

        Raises:
            DataError: as `read_table`.
        """
        empty, number = True, self._first
        for lines, plain in self._blocks():
            found = self._parser.parse(lines, plain, number, texts)
            number += lines.count
            if found is not None:
                empty = False
                values, words, kept = found
                yield Table(self.path, self.names, narrow(values), words, kept)
        if empty:
            raise DataError(f"{self.path} ends after its header: it holds no rows")

    def _blocks(self) -> Iterator[tuple[Lines, NDArray[Any] | None]]:
        """Read block after block, with the numbers of those that hold nothing else."""
        blocks = self._read(_BLOCK)
        if self.columns > _WIDEST:
            yield from self._parser.plain(blocks)
            return
        # While one is in use the next is parsed, and the one after that is read and unpacked.
        with start_pool(2) as pool:
            yield from ahead(pool, self._parser.plain(ahead(pool, blocks)))


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as uint8 or uint16 where these hold them exactly."""
    if values.dtype == np.uint8:
        return values
    for dtype in (np.uint8, np.uint16):
        with np.errstate(invalid="ignore"):  # NaN and values out of range are found just below
            narrow = values.astype(dtype)
        if np.array_equal(narrow, values):
            return narrow
    return values
