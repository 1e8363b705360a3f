"""What ``mlp predict`` reports: lines and charts for people, and the same answers for JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from mlp.cli import console
from mlp.handwriting.picture_files import Picture
from mlp.handwriting.recognise import Answer, join
from mlp.view.layout import wrap
from mlp.view.mistakes import Case, draw_case
from mlp.view.screen import Screen
from mlp.view.stages import draw_stages

PRETRAINED = "packaged"
"""What the JSON calls the pretrained model: programs that read it know it by this word."""


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
        console.say(self._line(result))
        for number, answer in enumerate(result.answers, start=1):
            of_several = len(result.answers) > 1
            title = f"digit {number}: {_answer_text(answer, self._sure)}" if of_several else ""
            if self._steps:
                self._screen.print(wrap(title, self._screen.width))
                self._screen.print(draw_stages(answer.digit.stages, self._screen))
            if self._chart:
                case = Case(title, answer.digit.image, answer.probabilities)
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


def score_line(results: list[Result]) -> str:
    """Say how many of the labelled pictures were read correctly."""
    scored = [result for result in results if result.correct is not None]
    unread = sum(1 for result in scored if result.problem)
    correct = sum(1 for result in scored if result.correct)
    accuracy = f" ({correct / len(scored):.2%})" if scored else ""
    return f"{correct} of {len(scored)} right{accuracy}" + (
        f", {unread} not read" if unread else ""
    )


def summary_json(
    results: list[Result], path: Path | None, sure: float, *, scored: bool
) -> dict[str, Any]:
    """Gather all results; with labels, that is ``scored``, also how many are correct."""
    score = {}
    if scored:
        score = {
            "correct": sum(1 for result in results if result.correct),
            "total": sum(1 for result in results if result.correct is not None),
        }
    name = str(path) if path else PRETRAINED
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
