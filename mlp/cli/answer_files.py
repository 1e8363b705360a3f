"""Answers as a table on stdout or in a file: CSV, a line of JSON a row, or one JSON object."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from mlp.common.atomic import replacing
from mlp.common.errors import MLPError, UsageError
from mlp.common.overwrite import check_destination
from mlp.common.printable import printable

STDOUT = "-"

LONGEST_ESCAPE = len(r"\U0001f40d")


class _Terminal:
    """A terminal, which nothing that is passed on from a file steers."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write text, its lines as they are."""
        lines = text.split("\n")
        return self._file.write(
            "\n".join(printable(line, LONGEST_ESCAPE * len(line)) for line in lines)
        )


class CsvTable:
    """A line of names, and one a row."""

    def __init__(self, file: TextIO, names: Sequence[str]) -> None:
        self._writer = csv.writer(_Terminal(file) if file.isatty() else file, lineterminator="\n")
        self._writer.writerow(names)

    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        """Write rows, given by their columns."""
        self._writer.writerows(zip(*columns, strict=True))

    def end(self, summary: Mapping[str, Any]) -> None:
        """Write nothing more: a table has no place for a summary."""


class JsonLines:
    """An object a line."""

    def __init__(self, file: TextIO, names: Sequence[str]) -> None:
        self._file, self._names = file, names

    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        """Write rows, given by their columns."""
        for row in zip(*columns, strict=True):
            self._file.write(json.dumps(dict(zip(self._names, row, strict=True))) + "\n")

    def end(self, summary: Mapping[str, Any]) -> None:
        """Write nothing more: each line is a row."""


class JsonObject:
    """One object with the answers and the summary, written as they come."""

    def __init__(self, file: TextIO, names: Sequence[str]) -> None:
        self._file, self._names, self._before = file, names, '{"answers": ['

    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        """Write rows, given by their columns."""
        for row in zip(*columns, strict=True):
            self._file.write(self._before + json.dumps(dict(zip(self._names, row, strict=True))))
            self._before = ",\n"

    def end(self, summary: Mapping[str, Any]) -> None:
        """Write the summary and close the object."""
        if self._before != ",\n":
            self._file.write(self._before)
        self._file.write("], " + json.dumps(summary)[1:] + "\n")


Table = CsvTable | JsonLines | JsonObject

ENDINGS: dict[str, type[Table]] = {
    ".csv": CsvTable, ".jsonl": JsonLines, ".ndjson": JsonLines, ".json": JsonObject,
}  # fmt: skip


def check_out(out: Path | None, force: bool, *, as_json: bool, as_lines: bool) -> None:
    """Refuse a place or a form of answers, before any work is done for them.

    Raises:
        UsageError: if ``--out`` does not end as one of `ENDINGS`, is taken, or options disagree.
    """
    if as_json and as_lines:
        raise UsageError("--json prints one object and --jsonl a line each: choose one of them")
    if is_stdout(out):
        return
    assert out is not None
    if out.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"--out {out}: answers are written as .csv, .jsonl or .json, so name a file that ends "
            "so, or - for stdout"
        )
    if as_lines:
        raise UsageError("--jsonl is of stdout: for a file of lines, let the name of --out end so")
    check_destination(out, force, is_folder=False, kind=UsageError)


def is_stdout(out: Path | None) -> bool:
    """Whether the answers go to stdout."""
    return out is None or str(out) == STDOUT


@contextmanager
def open_table(
    out: Path | None, names: Sequence[str], *, as_json: bool, as_lines: bool
) -> Iterator[Table]:
    """Open a table of answers: a file takes its name once the block has ended well, and whole.

    Raises:
        MLPError: if it cannot be written.
    """
    if is_stdout(out):
        kind = JsonObject if as_json else JsonLines if as_lines else CsvTable
        yield kind(sys.stdout, names)
        return
    assert out is not None
    try:
        with replacing(out) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            yield ENDINGS[out.suffix.lower()](text, names)
            text.flush()
            text.detach()
    except OSError as error:
        raise MLPError(
            f"{out} cannot be written ({error.strerror or error}): choose another place with --out"
        ) from None
