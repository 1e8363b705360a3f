"""What each name of --columns stands for."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.cli.answer_columns import Answered, choose_columns, parse_columns, passable
from mlp.common.errors import UsageError
from mlp.data.formats.rows import Rows
from mlp.data.raw import RawSplit
from mlp.data.task import Task

DIGITS = Task(names=("0", "1"))
GIVEN = Answered(
    Rows(RawSplit(np.zeros((2, 3))), np.array([8, 9]), {"Key": ["007", "a,b"]}),
    np.array([1, 0]),
    np.array([[0.25, 0.75], [0.9, 0.1]]),
)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", [8, 9]), ("ImageId", [8, 9]), ("row", [8, 9]), ("Label", [1, 0]), ("Digit", [1, 0]),
        ("Survived", [1, 0]), ("0", [0.25, 0.9]), ("1", [0.75, 0.1]), ("probability", [0.75, 0.9]),
        ("Key", ["007", "a,b"]),
    ],
)  # fmt: skip
def test_a_name_stands_for_a_column(name: str, values: list[object]) -> None:
    (column,) = choose_columns([name], DIGITS, ["Key"])
    assert list(column(GIVEN)) == values


def test_a_number_that_the_file_has_is_the_files() -> None:
    rows = Rows(GIVEN.rows.raw, GIVEN.rows.numbers, {"Id": ["1461", "1462"]})
    number, answer = choose_columns(["Id", "Survived"], DIGITS, ["Id"])
    assert list(number(GIVEN._replace(rows=rows))) == ["1461", "1462"]
    assert list(answer(GIVEN)) == [1, 0]


def test_names_of_two_unknown_columns_are_refused() -> None:
    with pytest.raises(UsageError, match=r"no column 'Kay' \(did you mean Key\?\)"):
        choose_columns(["Kay", "Survived"], DIGITS, ["Key"])
    with pytest.raises(UsageError, match="no column 'Kay'"):
        choose_columns(["Kay", "label"], DIGITS, ["Key"])


def test_probabilities_are_one_a_class() -> None:
    assert parse_columns("id,probabilities", DIGITS) == ["id", "0", "1"]
    assert parse_columns(None, DIGITS) == ["id", "label"]
    assert parse_columns(None, Task("regression", ("value",))) == ["id", "value"]
    assert passable(["id", "0", "Label", "Key", "probability"], DIGITS) == ("id", "Key")
