"""The fields of a line of text: what separates them, which are numbers, and which name columns."""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mlp.common.errors import DataError
from mlp.data.raw import MISSING

DELIMITERS = ",;\t|"

SPACES = " "
"""Where none of these stands in a line: any number of spaces."""

_DECIMAL = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")
_MARKS = {",", '"', " "}
_SPARSE = re.compile(r"\d+:[-+.\deE]+")


def fields_of(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line without the spaces around them; quotes may hold a delimiter.

    A line with a field that is longer than `csv` takes is one field.
    """
    text = line.rstrip("\r\n")
    if '"' not in text:
        return [field.strip() for field in text.split(delimiter)] if text else []
    try:
        return [field.strip() for field in next(csv.reader([text], delimiter=delimiter), [])]
    except csv.Error:
        return [text.strip()]


def find_delimiter(line: str) -> str:
    """Return what stands most often between fields; a comma inside numbers is a decimal one."""
    fields = fields_of(line, ";")
    if len(fields) > 1 and all("," not in field or is_number(field, ";") for field in fields):
        return ";"
    words = line.split()
    marked = [word for word in words if any(mark in word for mark in DELIMITERS)]
    if "\t" not in line and all(map(_DECIMAL.fullmatch, marked)):
        return SPACES if len(words) > 1 else DELIMITERS[0]
    return max(DELIMITERS, key=lambda mark: len(fields_of(line, mark)))


def from_spaces(line: str) -> str:
    """Put commas between fields that any number of spaces stand between; quotes may hold spaces.

    The comma inside a number becomes a point.
    """
    if '"' not in line:
        fields = line.split()
    else:
        fields = next(csv.reader([line.strip()], delimiter=" ", skipinitialspace=True), [])
    return to_line(f.replace(",", ".") if _DECIMAL.fullmatch(f) else f for f in fields)


def to_line(fields: Iterable[str]) -> str:
    """Write fields as a line with commas between, in quotes where they need them."""
    line = (f'"{f.replace(chr(34), 2 * chr(34))}"' if _MARKS & {*f} else f for f in fields)
    return ",".join(line) + "\n"


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
