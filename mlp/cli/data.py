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

from mlp.cli import console
from mlp.cli.data_report import print_description, print_table_description
from mlp.cli.expand import Overrides, expand
from mlp.cli.help import Command
from mlp.cli.options import Json
from mlp.data.describe import Description, describe_dataset
from mlp.data.describe_table import TableDescription, are_plain_images, describe_table
from mlp.data.formats import convert as formats
from mlp.data.formats import splits
from mlp.data.formats.registry import FORMATS
from mlp.data.formats.request import Request
from mlp.data.reading import Reading
from mlp.data.task import Kind

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


@app.command("info", cls=Command)
@expand
def info(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A dataset in any format.")],
    task: Annotated[
        Kind, typer.Option(help="What is to be learnt: regression estimates numbers.")
    ] = "multiclass",
    *,
    reading: Overrides[Reading],
    as_json: Json = False,
) -> None:
    """Describe a dataset in any format, and check it."""
    (place, format), choices = formats.recognise(path), reading.over(Reading())
    format.check_choices(path, choices)
    with _bar("reading images") as on_progress:
        raw = formats.read_place(place, format, Request(choices, on_progress, console.note))
    found: Description | TableDescription
    if task == "multiclass" and are_plain_images(raw, str(path)):
        found = describe_dataset(splits.as_written(raw, path, choices.classes), choices.classes)
    else:
        found = describe_table(raw, path, choices, task, console.note)
    if as_json:
        told = {"path": str(path), "form": format.name, **dataclasses.asdict(found)}
        print(json.dumps(told))
        return
    console.say(f"{path}: {format.title}")
    if isinstance(found, Description):
        print_description(found)
    else:
        print_table_description(found)


@app.command("convert", cls=Command)
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
