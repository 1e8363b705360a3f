"""Turns the newest GPU results into a table for docs/figures.md: ``python -m bench.table``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.harness.options import RESULTS
from bench.harness.report import put_between

BEGIN, END = "<!-- GPU results: begin -->", "<!-- GPU results: end -->"
NOT_MEASURED = "Not measured yet: no GPU was at hand. `python -m bench.gpu` measures it."

Row = dict[str, Any]


def newest(folder: Path = RESULTS) -> list[Row] | None:
    """Read the rows of the newest run on a GPU; None where there is none."""
    runs = [_read(path) for path in sorted(folder.glob("gpu-*.jsonl"))]
    runs = [rows for rows in runs if _of(rows, "epoch")]
    return max(runs, key=lambda rows: str(_of(rows, "machine")[0]["date"]), default=None)


def markdown(rows: list[Row] | None) -> str:
    """Write the table, or that there is nothing to show."""
    if rows is None:
        return NOT_MEASURED
    machine = _of(rows, "machine")[0]
    lines = [
        "| network | batch | arm | ms an epoch, median (min to max) | share of the floor |",
        "| --- | --- | --- | --- | --- |",
        *map(_line, _of(rows, "epoch")),
        "",
        f"{machine['gpu']}, driver for CUDA {machine['driver']}, {', '.join(machine['cupy'])}; "
        f"{machine['date'][:10]}, commit {machine['commit']}. The floor is what the device needs "
        "to compute or to move the bytes, at the speeds it reached in the same run.",
    ]
    targets = _of(rows, "time to 98 %")
    times = [f"{row['seconds']:.2f} s" if row["seconds"] else "not reached" for row in targets]
    if times:
        data = targets[0]["data"]
        lines += ["", f"98 % of the {data} test images, seeds 0 to 2: {', '.join(times)}."]
    return "\n".join(lines)


def write(path: Path, text: str) -> None:
    """Put the text between the two marks of a file.

    Raises:
        ValueError: if the marks are not there.
    """
    put_between(path, BEGIN, END, lambda _: text)


def _line(row: Row) -> str:
    median, low, high = (1e3 * row[key] for key in ("median", "min", "max"))
    return (
        f"| {row['network']} | {row['batch']} | {row['arm']} "
        f"| {median:.3g} ({low:.3g} to {high:.3g}) | {row['share_of_floor']:.0%} |"
    )


def _of(rows: list[Row], section: str) -> list[Row]:
    return [row for row in rows if row["section"] == section]


def _read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or write it into a file; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.table", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="such as docs/figures.md")
    given = parser.parse_args(arguments)
    text = markdown(newest())
    if given.write is None:
        print(text)
        return 0
    try:
        write(given.write, text)
    except ValueError as error:
        print(f"bench.table: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
