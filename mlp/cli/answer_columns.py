"""The columns of a table of answers: numbers of rows, answers, probabilities, columns passed on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlp.common.choices import did_you_mean
from mlp.common.errors import UsageError
from mlp.data.formats.columns import ID_NAMES, LABEL_NAMES
from mlp.data.formats.rows import Rows
from mlp.data.task import Task
from mlp.models.calibration import confidence_in

ANSWER, NUMBER, CONFIDENCE, PROBABILITIES = "label", "id", "probability", "probabilities"
"""What the parts of an answer are called; a number or an answer may have other names, too."""


class Answered(NamedTuple):
    """Some rows with their answers.

    Attributes:
        rows: the rows.
        answers: as `mlp.data.task.Task.decide` gives them; numbers in their own units.
        probabilities: of each class or each yes, shape (N, C); of numbers, the numbers themselves.
    """

    rows: Rows
    answers: NDArray[Any]
    probabilities: NDArray[np.float64]


Column = Callable[[Answered], Sequence[Any]]


def parse_columns(text: str | None, task: Task) -> list[str]:
    """Return the names of the columns that are asked for; by default a number and the answer.

    Raises:
        UsageError: if a name is empty or stands twice.
    """
    if text is None:
        return [NUMBER, *(task.names if task.kind == "regression" else (ANSWER,))]
    names = [name.strip() for name in text.split(",")]
    if PROBABILITIES in names and task.kind != "regression":
        at = names.index(PROBABILITIES)
        names[at : at + 1] = task.names
    if "" in names or len({*names}) < len(names):
        raise UsageError(f"--columns {text}: give each column a name of its own, as id,label")
    return names


def passable(names: Sequence[str], task: Task) -> tuple[str, ...]:
    """Return those of the names that may be of columns in the file."""
    own = {*task.names, *LABEL_NAMES, CONFIDENCE}
    return tuple(name for name in names if name not in own and name.lower() not in LABEL_NAMES)


def choose_columns(names: Sequence[str], task: Task, passed: Sequence[str]) -> list[Column]:
    """Find out what each column is to hold.

    One that the file has is passed through. Of the others, what is called as rows are numbered is
    the number, from 1; the name of a class is its probability; and one that is called as labels
    are, or the only one that is called otherwise, is the answer.

    Raises:
        UsageError: if several may be the answer.
    """
    labels = [label_object(name) for name in task.names]
    found: dict[str, Column] = {}
    for name in names:
        if name in passed:
            found[name] = _passed(name)
        elif name in task.names:
            found[name] = _of_output(task.names.index(name), task)
        elif name == CONFIDENCE and task.kind != "regression":
            found[name] = lambda given: _confidences(given, task)
        elif name.lower() in ID_NAMES or name.lower() == "row":
            found[name] = lambda given: given.rows.numbers.tolist()
        elif name.lower() in LABEL_NAMES and (task.kind != "regression" or len(labels) == 1):
            found[name] = lambda given: _answers(given, task, labels)
    others = [name for name in names if name not in found]
    if len(others) == 1 and not any(name.lower() in LABEL_NAMES for name in found):
        found[others[0]] = lambda given: _answers(given, task, labels)
    elif others:
        known = (NUMBER, ANSWER, CONFIDENCE, PROBABILITIES, *passed)
        raise UsageError(
            f"--columns: the file has no column {others[0]!r}{did_you_mean(others[0], known)}, and "
            "it is no part of the answer: take id, label, probability, probabilities, the name of "
            "a class, or of a column of the file"
        )
    return [found[name] for name in names]


def label_object(name: str) -> int | str:
    """Return the name of a class as JSON has it: a number where it is one."""
    is_number = name.isascii() and name.isdecimal() and str(int(name)) == name
    return int(name) if is_number else name


def _passed(name: str) -> Column:
    return lambda given: given.rows.passed[name]


def _of_output(number: int, task: Task) -> Column:
    digits = 9 if task.kind == "regression" else 6
    return lambda given: _rounded(given.probabilities[:, number], digits)


def _answers(given: Answered, task: Task, labels: list[int | str]) -> Sequence[Any]:
    if task.kind == "multiclass":
        return [labels[answer] for answer in given.answers.tolist()]
    if task.kind == "regression":
        return _rounded(given.answers[:, 0], 9)
    return [task.describe(answer, task.names) for answer in given.answers]


def _confidences(given: Answered, task: Task) -> Sequence[Any]:
    confidences = confidence_in(given.answers, given.probabilities, task)
    return _rounded(confidences.reshape(len(given.rows), -1).min(axis=1), 6)


def _rounded(values: NDArray[np.float64], digits: int) -> list[float]:
    return [float(f"{value:.{digits}g}") for value in values.tolist()]
