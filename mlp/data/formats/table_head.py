"""How a table of text begins: remarks, what stands between fields, and the names of the columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlp.data.formats.text_fields import (
    SPACES,
    check_is_table,
    fields_of,
    find_delimiter,
    from_spaces,
    is_header,
    is_number,
)


@dataclass(frozen=True)
class Head:
    """What the first lines of a table tell of all.

    Attributes:
        skipped: how many lines of remarks stand before the first of the table.
        delimiter: what stands between fields, once `from_spaces` has seen the lines of a table
            that has spaces there.
        is_spaced: whether it has.
        names: of the columns; None where it has no header.
        columns: how many there are.
    """

    skipped: int
    delimiter: str
    is_spaced: bool
    names: tuple[str, ...] | None
    columns: int


def read_head(lines: Sequence[str], path: Path) -> Head:
    """Look at the first lines of a file, one at least.

    Raises:
        DataError: if it is another kind of text that is often met.
    """
    skipped = 0
    while skipped + 1 < len(lines) and (
        _is_remark(lines[skipped], lines[skipped + 1]) or (skipped and lines[skipped].isspace())
    ):
        skipped += 1
    own = [lines[skipped].lstrip("#"), *lines[skipped + 1 :]]
    delimiter = find_delimiter(own[0])
    is_spaced = delimiter == SPACES and _are_alike([len(_split(line, SPACES)) for line in own])
    if is_spaced:
        own = [from_spaces(line) for line in own]
    has_tabs = delimiter == "\t"
    delimiter = "," if delimiter == SPACES else delimiter
    first, second = (fields_of(line, delimiter) for line in (own[0], own[1 % len(own)]))
    check_is_table(second, path)
    if not is_header(own, delimiter):
        return Head(skipped, delimiter, is_spaced, None, len(first))
    if (is_spaced or has_tabs) and len(second) == len(first) + 1:
        first = ["", *first]  # of the names of R's rows, which it leaves away
    return Head(skipped, delimiter, is_spaced, tuple(first), len(first))


def _is_remark(line: str, below: str) -> bool:
    """Whether a line is a remark, rather than names behind a mark."""
    if not line.startswith("#"):
        return False
    mark = find_delimiter(below)
    fields = _split(below, mark)
    if below.startswith("#") or len(_split(line.lstrip("#"), mark)) != len(fields):
        return True
    return not any(is_number(field, mark) for field in fields)


def _are_alike(counts: list[int]) -> bool:
    """Whether all rows have as many fields as the first, or all have one more, as R writes them."""
    return len({*counts}) == 1 or {*counts[1:]} == {counts[0] + 1}


def _split(line: str, mark: str) -> list[str]:
    return fields_of(from_spaces(line), ",") if mark == SPACES else fields_of(line, mark)
