"""``mlp data``: what a dataset holds, and the same dataset in another format."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from mlp.cli import console
from mlp.cli.options import Json
from mlp.data.describe import Description, SplitDescription, describe_dataset
from mlp.data.formats import convert as formats
from mlp.data.formats import splits
from mlp.data.formats.registry import FORMATS

app = typer.Typer(
    name="data",
    help=f"Look into datasets, and convert them: {FORMATS.titles}.",
    no_args_is_help=True,
    add_completion=False,
)

Classes = Annotated[
    int | None,
    typer.Option(min=1, max=256, help="The number of classes, where some do not occur."),
]


@app.command("info")
def info(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A dataset in any format.")],
    classes: Classes = None,
    as_json: Json = False,
) -> None:
    """Describe a dataset in any format, and check it."""
    format = formats.detect(path)
    with _bar("reading images") as on_progress:
        found = describe_dataset(formats.read_splits(path, classes, on_progress), classes)
    if as_json:
        print(json.dumps({"path": str(path), "form": format.name, **dataclasses.asdict(found)}))
    else:
        console.say(f"{path}: {format.title}")
        _print_description(found)


@app.command("convert")
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A dataset in any format.")],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", help=f"A file ending in {FORMATS.endings}, or a folder."),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT", help=f"{', '.join(FORMATS.names)}; else what the ending tells."
        ),
    ] = None,
    classes: Classes = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a dataset that is there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a dataset in another format, keeping every pixel and label."""
    with _bar("converting images") as on_progress:
        format, found = formats.convert(
            source, target, to, classes=classes, force=force, progress=on_progress
        )
    counts = {name: len(split) for name, split in found.items()}
    if as_json:
        checksums = {name: split.checksum for name, split in found.items()}
        result = {"path": str(target), "form": format.name, "images": counts, "sha256": checksums}
        print(json.dumps(result))
    else:
        listed = " and ".join(f"{count:,} ({name})" for name, count in counts.items())
        console.say(f"{target}: {format.title}, with {listed} images")


def _print_description(found: Description) -> None:
    """Print the figures of the splits side by side, and below them the problems."""
    rows = {
        "images": [f"{split.images:,}" for split in found.splits.values()],
        "size": [f"{split.height} x {split.width}" for split in found.splits.values()],
        "mean": [f"{split.mean:.4f}" for split in found.splits.values()],
        "std": [f"{split.std:.4f}" for split in found.splits.values()],
        **{f"class {c}": counts for c, counts in enumerate(_class_counts(found.splits))},
    }
    table = Table(box=None)
    for heading in ("", *found.splits):
        table.add_column(heading, justify="right" if heading else "left")
    for heading, cells in rows.items():
        table.add_row(heading, *cells)
    console.print_table(table)
    for name, split in found.splits.items():
        console.say(f"sha256 of {name}: {split.sha256}")
    for problem in found.problems:
        console.say(f"problem: {problem}")
    if not found.problems:
        print("no problems found")


def _class_counts(found: dict[str, SplitDescription]) -> Iterator[list[str]]:
    """Yield, for each class, its count in every split."""
    for counts in zip(*(split.class_counts for split in found.values()), strict=True):
        yield [f"{count:,}" for count in counts]


@contextmanager
def _bar(what: str) -> Iterator[splits.Progress]:
    """Draw a progress bar on a terminal while images are read or written one by one."""
    bar = Progress(
        *Progress.get_default_columns()[:2],
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console.stderr,
        transient=True,
    )
    task = bar.add_task(what, total=None)
    with bar if console.stderr.is_terminal else nullcontext():
        yield lambda done, total: bar.update(task, completed=done, total=total)
