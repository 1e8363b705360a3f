"""The fields of a line of text: what separates them, which are numbers, and which name columns."""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path

from mlp.common.errors import DataError
from mlp.data.raw import MISSING

DELIMITERS = ",;\t|"

SPACES = " "
"""Where none of these stands in a line: any number of spaces."""

_SPARSE = re.compile(r"\d+:[-+.\deE]+")


def fields_of(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line without the spaces around them; quotes may hold a delimiter."""
    return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]


def find_delimiter(line: str) -> str:
    """Return what stands most often between fields; a comma inside numbers is a decimal one."""
    fields = fields_of(line, ";")
    if len(fields) > 1 and all("," not in field or is_number(field, ";") for field in fields):
        return ";"
    if not any(mark in line for mark in DELIMITERS):
        return SPACES if len(line.split()) > 1 else DELIMITERS[0]
    return max(DELIMITERS, key=lambda mark: len(fields_of(line, mark)))


def from_spaces(line: str) -> str:
    """Put commas between fields that any number of spaces stand between; quotes may hold spaces."""
    if '"' not in line:
        return ",".join(line.split()) + "\n"
    fields = next(csv.reader([line.strip()], delimiter=" ", skipinitialspace=True), [])
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n"


def is_spaced(head: list[str]) -> bool:
    """Whether the first lines have as many fields, which spaces stand between."""
    counts = [len(fields_of(from_spaces(line), ",")) for line in head]
    return min(counts) == max(counts) or _has_row_names(head, counts)


def named_rows(head: list[str]) -> list[str]:
    """Put commas into the first lines; the names of R's rows get a name, which R leaves away."""
    lines = [from_spaces(line) for line in head]
    counts = [len(fields_of(line, ",")) for line in lines[:2]]
    return ['"",' + lines[0], *lines[1:]] if _has_row_names(head, counts) else lines


def _has_row_names(head: list[str], counts: list[int]) -> bool:
    return counts[1:] == [counts[0] + 1] and all(line.startswith('"') for line in head[:2])


def is_comment(line: str, below: str) -> bool:
    """Whether the first line of a file is a remark, rather than names that begin with a mark."""
    if not line.startswith("#"):
        return False
    mark = find_delimiter(below)
    split = str.split if mark == SPACES else lambda text: fields_of(text, mark)
    return below.startswith("#") or len(split(line)) != len(split(below))


def check_is_table(fields: list[str], path: Path) -> None:
    """Refuse another kind of text that is often met.

    Raises:
        DataError: if the fields are those of LIBSVM's files, ``5 153:0.1 154:0.7``.
    """
    if len(fields) > 1 and all(_SPARSE.fullmatch(field) for field in fields[1:]):
        raise DataError(
            f"{path} is a file of LIBSVM, which is not read: write it as .npz, as "
            "sklearn.datasets.load_svmlight_file and numpy.savez do"
        )


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Read what is no UTF-8 as Windows and old Linux systems write it."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", "replace"), error.end


AS_WINDOWS = "mlp-as-windows"
"""How what is no UTF-8 is decoded: as Windows-1252, which has all letters of Latin-1."""

codecs.register_error(AS_WINDOWS, _as_windows)


def is_header(lines: Sequence[str], delimiter: str) -> bool:
    """Whether the first of some lines names the columns.

    Names may be numbers, as a data frame's own: 0, 1, 2 … beside ``label``. A word that is there
    again further down in its column is a value.
    """
    first = fields_of(lines[0], delimiter)
    numbers = [int(field) for field in first if field.isdecimal() and len(field) < 10]
    words = [i for i, field in enumerate(first) if not is_number(field, delimiter)]
    if len(numbers) > 3 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return len(numbers) >= len(first) - 3 and (bool(words) or numbers[0] == 0)
    below = fields_of(lines[1], delimiter) if len(lines) > 1 else []
    if len(words) == len(first):
        if any(is_number(field, delimiter) for field in below):
            return True
        rows = (zip(first, fields_of(line, delimiter), strict=False) for line in lines[1:])
        return not any(a == b and a.lower() not in MISSING for row in rows for a, b in row)
    # A word above a number is a name; a word above a word is a value, as the label of each row.
    return any(
        i < len(below) and first[i].lower() not in MISSING and is_number(below[i], delimiter)
        for i in words
    )


def to_number(field: str, delimiter: str) -> float:
    """Read a number, with a decimal comma where semicolons stand between the fields.

    Raises:
        ValueError: if it is none.
    """
    if "_" in field:  # which Python takes for a separator
        raise ValueError
    return float(field.replace(",", ".") if delimiter == ";" else field)


def is_number(field: str, delimiter: str) -> bool:
    """Whether a field is a finite number."""
    try:
        return math.isfinite(to_number(field, delimiter))
    except ValueError:
        return False
