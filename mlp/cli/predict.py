"""``mlp predict``: what digits a network reads in pictures of handwriting."""

from __future__ import annotations

import json
import sys
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer

from mlp.cli import console
from mlp.cli.answer_files import check_out
from mlp.cli.options import Device, Json, open_device
from mlp.cli.predict_report import Printer, Result, score_line, summary_json
from mlp.cli.predict_rows import predict_rows
from mlp.cli.save_option import Force, check_png, write_png
from mlp.common.errors import DataError, UsageError
from mlp.handwriting import load_picture
from mlp.handwriting.constants import SURE
from mlp.handwriting.picture_files import STDIN, Labels, Picture, find_pictures
from mlp.handwriting.recognise import (
    Answer,
    check_input_size,
    is_correct,
    recognise_digit,
    recognise_digits,
)
from mlp.models.formats.convert import read_model
from mlp.models.metadata import task_of
from mlp.models.pretrained import pretrained_model
from mlp.nn.network import MLP
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
        bool, typer.Option("--jsonl", help="Print a line of JSON for each row.")
    ] = False,
) -> None:
    """Read handwritten digits in drawings, scans and photos, or answer each row of a file."""
    if (rows is None) == (not images):
        raise UsageError("name pictures to read, or a file of rows with --rows")
    if rows is not None:
        if many or labels or chart or steps or save:
            raise UsageError("--many, --labels, --chart, --steps and --save are of pictures")
        check_out(out, force, as_json=as_json, as_lines=as_lines)
        backend = open_device(device)
        model = read_model(path, backend=backend) if path else pretrained_model(backend)
        predict_rows(model, rows, out, columns, name=path, as_json=as_json, as_lines=as_lines)
        return
    if out or columns or as_lines:
        raise UsageError("--out, --columns and --jsonl are of rows: name their file with --rows")
    assert images
    check_png(save, force)
    pictures = find_pictures(images, Labels(labels) if labels else None)
    if labels and all(picture.label is None for picture in pictures):
        raise UsageError(f"{labels} names none of these pictures: check its column file")
    if save and len(pictures) > MOST_ROWS:
        raise UsageError(f"--save shows at most {MOST_ROWS} pictures, not {len(pictures)}")
    backend = open_device(device)
    model = read_model(path, backend=backend) if path else pretrained_model(backend)
    check_input_size(model)
    drawn = len(pictures) == 1 if chart is None else chart
    printer = None if as_json else Printer(sure, drawn, steps)
    results = []
    for picture in pictures:
        results.append(_recognise(model, picture, many))
        if printer is not None:
            printer.print(results[-1])
    if as_json:
        print(json.dumps(summary_json(results, path, sure, scored=labels is not None)))
    elif labels:
        console.say(score_line(results))
    if save:
        _save(results, save)
    if any(result.problem for result in results):
        raise typer.Exit(UNREAD)


def _recognise(model: MLP, picture: Picture, many: bool) -> Result:
    """Read one picture; if it cannot be read, the result says why."""
    answers: list[Answer] = []
    problem = correct = None
    try:
        pixels = load_picture(_stdin() if picture.name == STDIN else picture.name)
        answers = recognise_digits(model, pixels) if many else [recognise_digit(model, pixels)]
    except DataError as error:
        problem = str(error)
    except Exception as error:  # a fault of this program leaves the other pictures to be read
        fault = f"{type(error).__name__}: {error}"
        problem = f"{picture.name} cannot be read, by a fault of mlp ({fault}): please report it"
    if picture.label is not None:
        correct = not problem and is_correct(answers, picture.label, task_of(model))
    return Result(picture, answers, problem, correct)


def _stdin() -> BytesIO:
    if sys.stdin is None:
        raise DataError("standard input is closed: name a file, or pipe a picture in")
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise DataError(f"the picture has more than {MAX_BYTES >> 20} MB: make it smaller")
    return BytesIO(content)


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
