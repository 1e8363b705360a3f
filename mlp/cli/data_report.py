"""What ``mlp data info`` prints."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from mlp.cli import console
from mlp.common.printable import printable_name
from mlp.data.describe import Description, SplitDescription
from mlp.data.describe_table import ColumnDescription, TableDescription

MOST_COLUMNS = 30
"""Of a wider table the first ones are printed; ``--json`` has all."""


def print_description(found: Description) -> None:
    """Print the figures of the splits side by side, and below them the problems."""
    rows = {
        "images": [f"{split.images:,}" for split in found.splits.values()],
        "size": [f"{split.height} x {split.width}" for split in found.splits.values()],
        "mean": [f"{split.mean:.4f}" for split in found.splits.values()],
        "std": [f"{split.std:.4f}" for split in found.splits.values()],
        **{f"class {c}": counts for c, counts in enumerate(_class_counts(found.splits))},
    }
    _print_side_by_side(list(found.splits), rows)
    for name, split in found.splits.items():
        console.say(f"sha256 of {name}: {split.sha256}")
    _print_problems(found.problems)


def print_table_description(found: TableDescription) -> None:
    """Print the rows and classes of the splits side by side, the columns, and the problems."""
    what = "rows" if found.size is None else "images"
    rows = {what: [f"{count:,}" for count in found.rows.values()]}
    if found.size is not None:
        rows["size"] = [" x ".join(map(str, found.size))] * len(found.rows)
    answer = "class" if found.task == "multiclass" else "yes to"
    rows |= {
        f"{answer} {name}": [f"{count:,}" for count in counts.values()]
        for name, counts in found.classes.items()
    }
    _print_side_by_side(list(found.rows), rows)
    if found.columns:
        _print_columns("column", found.columns[:MOST_COLUMNS])
        if len(found.columns) > MOST_COLUMNS:
            console.say(f"and {len(found.columns) - MOST_COLUMNS:,} more columns: --json has all")
    if found.numbers:
        _print_columns("number to estimate", found.numbers)
    _print_problems(found.problems)


def _print_columns(heading: str, columns: list[ColumnDescription]) -> None:
    table = Table(box=None)
    table.add_column(heading)
    for measure in ("mean", "deviation", "missing"):
        table.add_column(measure, justify="right")
    for column in columns:
        table.add_row(
            printable_name(column.name), f"{column.mean:.4g}", f"{column.deviation:.4g}",
            f"{column.missing:,}",
        )  # fmt: skip
    console.print_table(table)


def _print_side_by_side(splits: list[str], rows: dict[str, list[str]]) -> None:
    table = Table(box=None)
    for heading in ("", *splits):
        table.add_column(heading, justify="right" if heading else "left")
    for heading, cells in rows.items():
        table.add_row(heading, *cells)
    console.print_table(table)


def _print_problems(problems: list[str]) -> None:
    for problem in problems:
        console.say(f"problem: {problem}")
    if not problems:
        print("no problems found")


def _class_counts(found: dict[str, SplitDescription]) -> Iterator[list[str]]:
    """Yield, for each class, its count in every split."""
    for counts in zip(*(split.class_counts for split in found.values()), strict=True):
        yield [f"{count:,}" for count in counts]
