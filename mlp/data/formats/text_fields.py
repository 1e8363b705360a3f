"""The fields of a line of text: what separates them, which are numbers, and which name columns."""

from __future__ import annotations

import csv
import math

from mlp.data.raw import MISSING

DELIMITERS = ",;\t"


def fields_of(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line without the spaces around them; quotes may hold a delimiter."""
    return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]


def find_delimiter(line: str) -> str:
    """Return what stands most often between fields; a comma inside numbers is a decimal one."""
    fields = fields_of(line, ";")
    if len(fields) > 1 and all("," not in field or is_number(field, ";") for field in fields):
        return ";"
    return max(DELIMITERS, key=lambda mark: len(fields_of(line, mark)))


def is_header(rows: list[list[str]], delimiter: str) -> bool:
    """Whether the first of two rows names the columns.

    Names may be numbers, as a data frame's own: 0, 1, 2 … beside ``label``.
    """
    first = rows[0]
    numbers = [int(field) for field in first if field.isdecimal() and len(field) < 10]
    words = [i for i, field in enumerate(first) if not is_number(field, delimiter)]
    if len(numbers) > 3 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return len(numbers) >= len(first) - 3 and (bool(words) or numbers[0] == 0)
    if len(words) == len(first):
        return True
    # A word above a number is a name; a word above a word is a value, as the label of each row.
    below = rows[-1] if len(rows) > 1 else []
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
