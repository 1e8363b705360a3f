"""What ``mlp predict`` reports: lines and charts for people, and the same answers for JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from mlp.cli import console
from mlp.handwriting.picture_files import Picture
from mlp.handwriting.recognise import Answer, join, rows_of
from mlp.view.layout import wrap
from mlp.view.mistakes import Case, draw_case
from mlp.view.screen import Screen
from mlp.view.stages import draw_stages

PRETRAINED = "packaged"
"""What the JSON calls the pretrained model: programs that read it know it by this word."""

PLACES = 4
"""Of a confidence, after the point."""


class Result(NamedTuple):
    """The outcome of reading one picture.

    Attributes:
        picture: its name and label.
        answers: one for each digit, row by row; none if it could not be read.
        problem: why it could not be read, or None.
        correct: whether the answers agree with the label; None without a label.
    """

    picture: Picture
    answers: list[Answer]
    problem: str | None
    correct: bool | None


class Printer:
    """Prints results as they come.

    Args:
        sure: an answer of less confidence is called not sure.
        chart: whether to draw digits and probabilities.
        steps: whether to draw the stages.
    """

    def __init__(self, sure: float, chart: bool, steps: bool) -> None:
        self._sure, self._chart, self._steps = sure, chart, steps
        self._screen = Screen.of_stdout()

    def print(self, result: Result) -> None:
        """Print a line, and below it the stages and the chart if they are wanted."""
        if result.problem:
            name = result.picture.name
            console.note(result.problem if name in result.problem else f"{name}: {result.problem}")
            return
        for line in self._lines(result):
            console.say(line)
        for number, answer in enumerate(result.answers, start=1):
            of_several = len(result.answers) > 1
            title = f"digit {number}: {_answer_text(answer, self._sure)}" if of_several else ""
            if self._steps:
                self._screen.print(wrap(title, self._screen.width))
                self._screen.print(draw_stages(answer.digit.stages, self._screen))
            if self._chart:
                case = Case(title, answer.digit.image, answer.probabilities)
                self._screen.print(draw_case(case, answer.names, self._screen))

    def _lines(self, result: Result) -> list[str]:
        """Write the answer in a line; of several rows, each in a line of its own below it."""
        rows = [join(row) for row in rows_of(result.answers)]
        read, below = (f"{len(rows)} rows", rows) if len(rows) > 1 else (rows[0], [])
        sure = _certainty_text(result.answers, self._sure)
        verdict = {None: "", True: ", right", False: f", wrong: it is {result.picture.label}"}
        head = f"{result.picture.name}: {read}, {sure}{verdict[result.correct]}"
        return [head, *(f"  {row}" for row in below)]


def _answer_text(answer: Answer, sure: float) -> str:
    return f"{answer.text}, {_certainty_text([answer], sure)}"


def _certainty_text(answers: list[Answer], sure: float) -> str:
    """Say how sure the least sure of some answers is."""
    confidence = _least_sure(answers)
    return f"{confidence:.2%} sure" if confidence >= sure else f"not sure ({confidence:.2%})"


def _least_sure(answers: list[Answer]) -> float:
    """The confidence of the least sure of some answers, in as many places as it is told."""
    return round(min(answer.confidence for answer in answers), PLACES)


def summary_json(score: Tally, path: Path | None, *, scored: bool) -> dict[str, Any]:
    """Name the model; with labels, that is ``scored``, also tell how many answers are correct."""
    counts = {"correct": score.correct, "total": score.scored} if scored else {}
    return {"model": str(path) if path else PRETRAINED, **counts}


class Tally:
    """How many pictures were read, and how many of the labelled ones correctly.

    Attributes:
        scored: how many have a label.
        correct: how many of these were read as it says.
        unread: how many could not be read.
    """

    def __init__(self) -> None:
        self.scored = self.correct = self.unread = self._scored_unread = 0

    def add(self, result: Result) -> None:
        """Count a result."""
        self.unread += bool(result.problem)
        if result.correct is not None:
            self.scored += 1
            self.correct += result.correct
            self._scored_unread += bool(result.problem)

    def __str__(self) -> str:
        accuracy = f" ({self.correct / self.scored:.2%})" if self.scored else ""
        unread = f", {self._scored_unread} not read" if self._scored_unread else ""
        return f"{self.correct} of {self.scored} right{accuracy}{unread}"


HEADINGS = ("file", "label", "probability", "problem")
"""The columns of a table of pictures."""


def fields_of(result: Result) -> tuple[Any, ...]:
    """Return a picture's row of the table."""
    if result.problem:
        return result.picture.name, "", "", result.problem
    return result.picture.name, join(result.answers), _least_sure(result.answers), ""


def entry_of(result: Result, sure: float) -> dict[str, Any]:
    """Return what JSON tells of a picture."""
    entry: dict[str, Any] = {"file": result.picture.name}
    if result.problem:
        entry["problem"] = result.problem
    else:
        confidence = _least_sure(result.answers)
        rows = [join(row) for row in rows_of(result.answers)]
        entry |= {
            "digit": _number(join(result.answers, "")),
            **({"rows": rows} if len(rows) > 1 else {}),
            "probability": confidence,
            "sure": confidence >= sure,
            "digits": [
                {
                    "digit": _number(answer.text),
                    "probability": _least_sure([answer]),
                    "probabilities": dict(
                        zip(answer.names, answer.probabilities.tolist(), strict=True)
                    ),
                    "box": vars(answer.digit.box),
                }
                for answer in result.answers
            ],
        }
    if result.correct is not None:
        entry |= {"label": _number(result.picture.label or ""), "right": result.correct}
    return entry


def _number(text: str) -> int | str:
    """Return one digit as a number; a line of digits, which may begin with 0, stays a text."""
    return int(text) if len(text) == 1 and text in "0123456789" else text
