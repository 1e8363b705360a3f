"""ARFF, the tables of Weka and OpenML: names and kinds of columns above the rows.

Source: https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/. Rows that leave
zeros away, in braces, are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mlp.common.errors import DataError
from mlp.data.formats.columns import LABEL_NAMES
from mlp.data.formats.layout import passed_columns
from mlp.data.formats.registry import FORMATS, ReadFormat
from mlp.data.formats.request import Request
from mlp.data.formats.row_columns import raw_of, rows_of
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, RawSplits
from mlp.data.formats.table import Table, TableFile
from mlp.data.formats.table_head import Head
from mlp.data.formats.text_fields import is_number, to_line, to_number
from mlp.data.formats.text_lines import open_lines, text_blocks
from mlp.data.raw import MISSING, as_words

_ATTRIBUTE = re.compile(
    r"""@attribute\s+(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s'"{]\S*))\s*(.*)""",
    re.IGNORECASE | re.DOTALL,
)
_FIELD = re.compile(
    r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^,]*))\s*(,|$)""", re.DOTALL
)
_MARKS = "'\"\\"
_NUMBERS = ("real", "numeric", "integer")


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
        yield from rows_of(read_arff(path, asked), request, asked)

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


@dataclass(frozen=True)
class _Attribute:
    """A column: its name, and the names that it may hold; None where it holds numbers."""

    name: str
    known: frozenset[str] | None


def read_arff(path: Path, asked: Asked | None = None) -> Table:
    """Read a file as a table, whose columns of names are words.

    Args:
        path: the file.
        asked: what is wanted of new rows; the columns to pass through are kept as texts.

    Raises:
        DataError: if it cannot be read, is damaged, or has columns of dates or of text.
    """
    attributes: list[_Attribute] = []
    with open_lines(path) as reader:
        lines, number = reader.text(), -1
        for number, line in enumerate(lines):  # noqa: B007 - of the last line of the head
            word = line.split(None, 1)[0].lower() if line.strip() else ""
            if word == "@attribute":
                attributes.append(_attribute(line.strip(), path))
            if word == "@data":
                break
        if not attributes:
            raise DataError(f"{path} is a damaged ARFF file (it names no columns): get it again")
        names = tuple(attribute.name for attribute in attributes)
        head = Head(number, ",", False, names, len(names))
        rows = (_row(line, path) for line in lines)
        texts = sorted({*passed_columns(names, asked).values()}) if asked else []
        table = TableFile(path, head, partial(text_blocks, rows)).read(texts)
    for column, attribute in enumerate(attributes):
        strange = _strange(table, column, attribute.known)
        if strange:
            raise DataError(
                f"{path} is a damaged ARFF file ({attribute.name} holds {min(strange)[:20]!r}, "
                "which its head does not know): get it again"
            )
    return table


def _strange(table: Table, column: int, known: frozenset[str] | None) -> set[str]:
    """Find what a column holds and may not, by its head; names of numbers count as these."""
    if column in table.words:
        found = {str(word) for word in np.unique(table.words[column]).tolist()}
        return {word for word in found - (known or set()) if word.lower() not in MISSING}
    if known is None:
        return set()
    numbers = {to_number(name, ",") for name in known if is_number(name, ",")}
    values = np.unique(table.values[:, column]).tolist()
    return {f"{value:.15g}" for value in values if value == value and value not in numbers}


def _attribute(line: str, path: Path) -> _Attribute:
    """Read the line of a column.

    Raises:
        DataError: if it is damaged, or holds dates or texts.
    """
    match = _ATTRIBUTE.fullmatch(line)
    name = next((part for part in match.groups()[:3] if part is not None), "") if match else ""
    kind = match[4].strip() if match else ""
    name = _unescaped(name)
    if kind.startswith("{") and kind.endswith("}"):
        return _Attribute(name, frozenset(as_words(_fields(kind[1:-1])).tolist()))
    if kind.lower() in _NUMBERS:
        return _Attribute(name, None)
    if kind.lower().startswith("date"):
        raise DataError(f"{path} has a column of dates, {name}, which is not read: leave it out")
    if kind.lower() in ("string", "relational"):
        raise DataError(f"{path} has a column of texts, {name}, which is not read: leave it out")
    raise DataError(f"{path} is a damaged ARFF file (in the line {line[:60]!r}): get it again")


def _row(line: str, path: Path) -> str:
    """Write a row as tables of text have it: a remark as an empty line, and names in " alone.

    Raises:
        DataError: if it leaves zeros away.
    """
    text = line.strip()
    if not text or text.startswith("%"):
        return "\n"
    if text.startswith("{"):
        raise DataError(f"{path} leaves zeros away, which is not read: save it with all values")
    return to_line(_fields(text)) if {*text} & {*_MARKS} else f"{text}\n"


def _fields(text: str) -> list[str]:
    """Take values apart, each of which may stand in ' or "."""
    fields, place, is_last = [], 0, False
    while not is_last:
        match = _FIELD.match(text, place)
        assert match is not None  # as any text is a field
        field = next(part for part in match.groups()[:3] if part is not None)
        fields.append(_unescaped(field.strip() if match[3] is not None else field))
        place, is_last = match.end(), match[4] == ""
    return fields


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
