"""``mlp predict``: what digits a network reads in pictures of handwriting."""

from __future__ import annotations

import base64
import json
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from mlp.cli import console
from mlp.cli.answer_files import check_out, is_stdout, open_table
from mlp.cli.options import Device, Json, open_device
from mlp.cli.predict_pictures import read_pictures
from mlp.cli.predict_report import (
    HEADINGS,
    Printer,
    Result,
    Tally,
    entry_of,
    fields_of,
    summary_json,
)
from mlp.cli.predict_rows import predict_rows
from mlp.cli.progress import WorkBar
from mlp.cli.save_option import Force, check_png, write_png
from mlp.common.errors import DataError, UsageError
from mlp.data.formats.pictures import ENDINGS
from mlp.data.formats.registry import FORMATS
from mlp.handwriting.constants import SURE
from mlp.handwriting.extraction import Way
from mlp.handwriting.picture_files import Labels, find_pictures
from mlp.handwriting.recognise import check_input_size
from mlp.models.formats.convert import read_model
from mlp.models.metadata import task_of
from mlp.models.pretrained import pretrained_model
from mlp.view.stages import MOST_ROWS, draw_sheet

MAX_BYTES = 200 << 20
"""More than this is not read from standard input."""

UNREAD = 1
"""The exit code if some picture could not be read; the others are read all the same."""


def predict(
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGE...",
            help="Pictures, folders of them, patterns such as 'photos/*.jpg', or - for stdin.",
        ),
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Instead of pictures, answer the rows of a CSV, .npz, .npy or IDX file, a folder "
            "of pictures as they are, or a .gz or .zip of these.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the answers to .csv, .jsonl or .json; else to stdout."
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Of the answers to rows, as ImageId,Label. Columns of the file pass through; else "
            "id counts the rows. label, probability, probabilities, and a class's name.",
        ),
    ] = None,
    path: Annotated[
        Path | None,
        typer.Option(
            "--model", metavar="FILE", help="Weights in any format; else the pretrained model."
        ),
    ] = None,
    many: Annotated[
        bool, typer.Option("--many", help="Read rows of digits, each left to right.")
    ] = False,
    rotate: Annotated[
        int,
        typer.Option(metavar="90|180|270", help="Turn the pictures so many degrees clockwise."),
    ] = 0,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="What stands on each picture: columns file and label."
        ),
    ] = None,
    chart: Annotated[
        bool | None,
        typer.Option(
            "--chart/--no-chart",
            help="Draw each digit and its probabilities; else only where there is one picture.",
        ),
    ] = None,
    steps: Annotated[
        bool, typer.Option("--steps", help="Draw how each picture became the network's image.")
    ] = False,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Write these steps as a picture.")
    ] = None,
    force: Force = False,
    sure: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Below this confidence, say: not sure.")
    ] = SURE,
    device: Device = "auto",
    as_json: Json = False,
    as_lines: Annotated[
        bool, typer.Option("--jsonl", help="Print a line of JSON for each picture or row.")
    ] = False,
) -> None:
    """Read handwritten digits in drawings, scans and photos, or answer each row of a file."""
    if (rows is None) == (not images):
        raise UsageError("name pictures to read, or a file of rows with --rows")
    if rows is not None:
        if many or rotate or labels or chart or steps or save:
            raise UsageError(
                "--many, --rotate, --labels, --chart, --steps and --save are of pictures"
            )
        check_out(out, force, as_json=as_json, as_lines=as_lines)
        backend = open_device(device)
        model = read_model(path, backend=backend) if path else pretrained_model(backend)
        predict_rows(model, rows, out, columns, name=path, as_json=as_json, as_lines=as_lines)
        return
    if columns:
        raise UsageError("--columns is of rows: name their file with --rows")
    if rotate not in (0, 90, 180, 270):
        raise UsageError(f"--rotate takes 90, 180 or 270, not {rotate}")
    assert images
    check_out(out, force, as_json=as_json, as_lines=as_lines)
    check_png(save, force)
    backend = open_device(device)
    model = read_model(path, backend=backend) if path else pretrained_model(backend)
    check_input_size(model)
    if len(images) == 1:  # among others it is told, and they are read
        _check_no_rows(images[0])
    pictures = find_pictures(images, Labels(labels) if labels else None, task_of(model).names)
    if labels and all(picture.label is None for picture in pictures):
        raise UsageError(f"{labels} names none of these pictures: check its column file")
    if save and len(pictures) > MOST_ROWS:
        raise UsageError(f"--save shows at most {MOST_ROWS} pictures, not {len(pictures)}")
    drawn = len(pictures) == 1 if chart is None else chart
    is_quiet = as_json or as_lines or out is not None
    printer = None if is_quiet else Printer(sure, drawn, steps)
    way = Way(many, steps or save is not None, rotate // 90)
    entries: list[str] = []  # in JSON, which is much smaller than objects
    kept: list[Result] = []
    score = Tally()
    table = (
        nullcontext() if out is None else open_table(out, HEADINGS, as_json=False, as_lines=False)
    )
    with WorkBar("pictures", len(pictures)) as bar, table as answers:
        for result in read_pictures(model, pictures, way, _stdin):
            score.add(result)
            if printer is not None:
                printer.print(result)
            else:
                bar.advance(1)
            if answers is not None:
                answers.write([[value] for value in fields_of(result)])
            if as_lines:
                print(json.dumps(entry_of(result, sure)), flush=True)
            elif as_json:
                entries.append(json.dumps(entry_of(result, sure)))
            if save:
                kept.append(result)
    if as_json:
        head = summary_json(score, path, scored=labels is not None or score.scored > 0)
        print(json.dumps(head)[:-1] + f', "files": [{", ".join(entries)}]}}')
    elif labels or score.scored:
        (console.note if is_quiet else console.say)(str(score))
    if out is not None and not is_stdout(out):
        console.note(f"{out}: answers to {len(pictures):,} pictures")
    if save:
        _save(kept, save)
    if score.unread:
        raise typer.Exit(UNREAD)


def _check_no_rows(name: str) -> None:
    """Refuse a file of rows, which another option answers."""
    path = Path(name)
    found = [] if not path.is_file() or path.suffix.lower() in ENDINGS else FORMATS.matching(path)
    if found:
        raise UsageError(
            f"{name} is {found[0].title} and no picture: its rows are answered by "
            f"mlp predict --rows {name}"
        )


def _stdin() -> bytes:
    """Read a picture from standard input; a canvas's data URL will do.

    Raises:
        DataError: if there is none, or it is too large.
    """
    if sys.stdin is None:
        raise DataError("standard input is closed: name a file, or pipe a picture in")
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise DataError(f"the picture has more than {MAX_BYTES >> 20} MB: make it smaller")
    if content.lstrip()[:11].lower() == b"data:image/":
        head, _, body = content.partition(b",")
        if not head.strip().lower().endswith(b";base64"):
            raise DataError("the data URL is not in base64: take canvas.toDataURL()")
        try:
            return base64.b64decode(body)
        except ValueError:
            raise DataError("the data URL is cut short or damaged: copy it again") from None
    return content


def _save(results: list[Result], path: Path) -> None:
    rows = [
        (f"{Path(result.picture.name).name}: {answer.text}", answer.digit.stages)
        for result in results
        for answer in result.answers
    ]
    if not rows:
        console.note(f"no picture was read, so {path} was not written")
        return
    write_png(partial(draw_sheet(rows[:MOST_ROWS]).save, format="PNG"), path)
