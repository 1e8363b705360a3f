"""``mlp predict``: what digits a network reads in pictures of handwriting."""

from __future__ import annotations

import json
import sys
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from mlp.cli import console
from mlp.cli.options import Device, Json, open_device
from mlp.cli.save_option import Force, check_png, write_png
from mlp.common.errors import DataError, UsageError
from mlp.handwriting import load_picture
from mlp.handwriting.picture_files import STDIN, Labels, Picture, find_pictures
from mlp.handwriting.recognise import (
    SURE,
    Answer,
    check_reads_handwriting,
    is_right,
    join,
    read_one,
    read_several,
)
from mlp.models.formats.convert import read_model
from mlp.models.metadata import task_of
from mlp.models.pretrained import pretrained_model
from mlp.nn.network import MLP
from mlp.view.layout import wrap
from mlp.view.mistakes import Case, draw_case
from mlp.view.screen import Screen
from mlp.view.stages import MOST_ROWS, draw_sheet, draw_stages

MAX_BYTES = 200 << 20
"""More than this is not read from standard input."""

UNREAD = 1
"""The exit code if a picture could not be read; the others are."""


class Result(NamedTuple):
    """What became of a picture.

    Attributes:
        picture: its name and label.
        answers: its digits, row by row; none if it could not be read.
        problem: why it could not.
        correct: whether that is what the label says; None without a label.
    """

    picture: Picture
    answers: list[Answer]
    problem: str | None
    correct: bool | None


def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...",
            help="Pictures, folders of them, patterns such as 'photos/*.jpg', or - for stdin.",
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights in any format; else the pretrained model."),
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
) -> None:
    """Read handwritten digits in drawings, scans and photos."""
    check_png(save, force)
    pictures = find_pictures(images, Labels(labels) if labels else None)
    if labels and all(picture.label is None for picture in pictures):
        raise UsageError(f"{labels} names none of these pictures: check its column file")
    if save and len(pictures) > MOST_ROWS:
        raise UsageError(f"--save shows at most {MOST_ROWS} pictures, not {len(pictures)}")
    backend = open_device(device)
    network = read_model(model, backend=backend) if model else pretrained_model(backend)
    check_reads_handwriting(network)
    drawn = len(pictures) == 1 if chart is None else chart
    printer = None if as_json else _Printer(sure, drawn, steps)
    results = []
    for picture in pictures:
        results.append(_read(network, picture, many))
        if printer is not None:
            printer.print(results[-1])
    if as_json:
        print(json.dumps(_summary(results, model, sure, scored=labels is not None)))
    elif labels:
        print(_score(results))
    if save:
        _save(results, save)
    if any(result.problem for result in results):
        raise typer.Exit(UNREAD)


def _read(network: MLP, picture: Picture, many: bool) -> Result:
    """Read one picture; if it cannot be read, the result says why."""
    answers: list[Answer] = []
    problem = correct = None
    try:
        pixels = load_picture(_stdin() if picture.name == STDIN else picture.name)
        answers = read_several(network, pixels) if many else [read_one(network, pixels)]
    except DataError as error:
        problem = str(error)
    if picture.label is not None:
        correct = not problem and is_right(answers, picture.label, task_of(network))
    return Result(picture, answers, problem, correct)


def _stdin() -> BytesIO:
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise DataError(f"the picture has more than {MAX_BYTES >> 20} MB: make it smaller")
    return BytesIO(content)


class _Printer:
    """Prints results as they come.

    Args:
        sure: below this confidence, an answer is called not sure.
        chart: whether to draw digits and probabilities.
        steps: whether to draw the stages.
    """

    def __init__(self, sure: float, chart: bool, steps: bool) -> None:
        self._sure, self._chart, self._steps = sure, chart, steps
        self._screen = Screen.of_stdout()

    def print(self, result: Result) -> None:
        """Print a line, and what was asked for below it."""
        if result.problem:
            name = result.picture.name
            console.note(result.problem if name in result.problem else f"{name}: {result.problem}")
            return
        print(self._line(result))
        for number, answer in enumerate(result.answers, start=1):
            of_several = len(result.answers) > 1
            title = f"digit {number}: {_answer_text(answer, self._sure)}" if of_several else ""
            if self._steps:
                self._screen.print(wrap(title, self._screen.width))
                self._screen.print(draw_stages(answer.reading.stages, self._screen))
            if self._chart:
                case = Case(title, answer.reading.image, answer.shares)
                self._screen.print(draw_case(case, answer.names, self._screen))

    def _line(self, result: Result) -> str:
        read = (
            _answer_text(result.answers[0], self._sure)
            if len(result.answers) == 1
            else f"{join(result.answers)}, {_certainty_text(result.answers, self._sure)}"
        )
        verdict = {None: "", True: ", right", False: f", wrong: it is {result.picture.label}"}
        return f"{result.picture.name}: {read}{verdict[result.correct]}"


def _answer_text(answer: Answer, sure: float) -> str:
    return f"{answer.text}, {_certainty_text([answer], sure)}"


def _certainty_text(answers: list[Answer], sure: float) -> str:
    """Say how sure the least sure of some answers is."""
    confidence = min(answer.confidence for answer in answers)
    return f"{confidence:.2%} sure" if confidence >= sure else f"not sure ({confidence:.2%})"


def _score(results: list[Result]) -> str:
    scored = [result for result in results if result.correct is not None]
    unread = sum(1 for result in scored if result.problem)
    correct = sum(1 for result in scored if result.correct)
    accuracy = f" ({correct / len(scored):.2%})" if scored else ""
    return f"{correct} of {len(scored)} right{accuracy}" + (
        f", {unread} not read" if unread else ""
    )


def _summary(
    results: list[Result], model: Path | None, sure: float, *, scored: bool
) -> dict[str, Any]:
    score = {}
    if scored:
        score = {
            "correct": sum(1 for result in results if result.correct),
            "total": sum(1 for result in results if result.correct is not None),
        }
    name = str(model) if model else "packaged"
    return {"model": name, **score, "files": [_entry(result, sure) for result in results]}


def _entry(result: Result, sure: float) -> dict[str, Any]:
    entry: dict[str, Any] = {"file": result.picture.name}
    if result.problem:
        entry["problem"] = result.problem
    else:
        confidence = min(answer.confidence for answer in result.answers)
        entry |= {
            "digit": _number(join(result.answers)),
            "probability": confidence,
            "sure": confidence >= sure,
            "digits": [
                {
                    "digit": _number(answer.text),
                    "probability": answer.confidence,
                    "probabilities": dict(zip(answer.names, answer.shares.tolist(), strict=True)),
                    "box": vars(answer.reading.box),
                }
                for answer in result.answers
            ],
        }
    if result.correct is not None:
        entry |= {"label": _number(result.picture.label or ""), "right": result.correct}
    return entry


def _number(text: str) -> int | str:
    """One digit as a number; a line of several keeps its zeros, and words stay words."""
    return int(text) if len(text) == 1 and text in "0123456789" else text


def _save(results: list[Result], path: Path) -> None:
    rows = [
        (f"{Path(result.picture.name).name}: {answer.text}", answer.reading.stages)
        for result in results
        for answer in result.answers
    ]
    if not rows:
        console.note(f"no picture was read, so {path} was not written")
        return
    write_png(partial(draw_sheet(rows[:MOST_ROWS]).save, format="PNG"), path)
