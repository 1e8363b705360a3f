"""ARFF, the tables of Weka and OpenML: names and kinds of columns above the rows; read by SciPy."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlp.common.errors import DataError
from mlp.data.formats.columns import LABEL_NAMES
from mlp.data.formats.extra import import_extra
from mlp.data.formats.registry import FORMATS, ReadFormat
from mlp.data.formats.request import Request
from mlp.data.formats.row_columns import raw_of, rows_of
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, RawSplits
from mlp.data.formats.table import Table, narrow
from mlp.data.raw import MISSING


@FORMATS.register("arff")
class Arff(ReadFormat):
    """A table; where no column is called as labels are, the last one is the label, by custom."""

    title = "an ARFF file"
    endings = (".arff",)
    takes = frozenset({"label", "drop"})

    def matches(self, path: Path) -> bool:
        return path.suffix.lower() == ".arff" and path.is_file()

    def read(self, path: Path, request: Request) -> RawSplits:
        return {WHOLE: _as_raw([path], request)[0]}

    def rows(self, path: Path, request: Request, asked: Asked) -> Iterator[Rows]:
        yield from rows_of(read_arff(path), request, asked)

    def read_pair(self, path: Path, other: Path, request: Request) -> RawSplits:
        if not self.matches(other):
            return super().read_pair(path, other, request)
        return dict(zip((TRAIN, TEST), _as_raw([path, other], request), strict=True))


def _as_raw(paths: list[Path], request: Request) -> list[Any]:
    tables = [read_arff(path) for path in paths]
    reading, names = request.reading, tables[0].names or ()
    if reading.label is None and not any(name.lower() in LABEL_NAMES for name in names):
        request.note(f"{paths[0]}: the last column, {names[-1]}, is taken for the label (--label)")
        reading = replace(reading, label="-1")
    return raw_of(tables, replace(request, reading=reading))


def read_arff(path: Path) -> Table:
    """Read a file as a table, whose columns of names are words.

    Raises:
        DataError: if it cannot be read, is damaged, or has columns of dates or of text.
    """
    scipy_arff = import_extra("scipy.io.arff", "SciPy", path)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        records, meta = scipy_arff.loadarff(io.StringIO(_as_ascii(text)))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except NotImplementedError as error:
        raise DataError(
            f"{path} has columns that are not read ({error}): leave those of text and dates out"
        ) from None
    except Exception as error:  # its parser raises what it meets, StopIteration among it
        raise DataError(f"{path} is a damaged ARFF file ({error}): get it again") from None
    if not len(records) or not meta.names():
        raise DataError(f"{path} holds no rows: get it again")
    names = tuple(map(_from_ascii, meta.names()))
    values = np.full((len(records), len(names)), np.nan)
    words = {}
    for column, name in enumerate(meta.names()):
        found = records[name]
        if found.dtype.kind not in "fiS":
            raise DataError(
                f"{path} has a column of dates, {names[column]}, which is not read: leave it out"
            )
        if found.dtype.kind != "S":
            values[:, column] = found
            continue
        texts = np.array([_from_ascii(text.decode("ascii")) for text in found.tolist()])
        missing = np.array([text.lower() in MISSING for text in texts])
        try:
            values[~missing, column] = texts[~missing].astype(np.float64)
        except ValueError:
            words[column] = texts
    return Table(path, names, narrow(values), words)


def _as_ascii(text: str) -> str:
    """Write letters that SciPy does not know as their numbers between tildes."""
    return re.sub(r"[^\x00-\x7d]", lambda match: f"~{ord(match[0]):x}~", text)


def _from_ascii(text: str) -> str:
    return re.sub(r"~([0-9a-f]+)~", lambda match: chr(int(match[1], 16)), text)
