"""Columns of a dataset are found by the names that a model knows, or refused by them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.arrange import arrange_dataset
from mlp.data.dataset import Dataset, Split
from mlp.data.inputs import Columns

KNOWN = Columns(("a", "b", "c=x", "c=y"), (1.0, 2.0, 0.5, 0.25), (4.0, 5.0, 0.5, 0.5))


def dataset(*names: str) -> Dataset:
    inputs = Columns(names, tuple(map(float, range(len(names)))), (3.0,) * len(names))
    rows = np.arange(4.0 * len(names), dtype=np.float32).reshape(4, -1)
    labels = np.array([0, 1, 0, 1], np.uint8)
    return Dataset("d", "d.csv", 2, Split(rows, labels), Split(rows[:2], labels[:2]), inputs=inputs)


def test_columns_are_taken_by_their_names_with_their_measures() -> None:
    given, notes = dataset("c=y", "b", "id", "a", "c=x"), list[str]()
    found = arrange_dataset(given, KNOWN, notes.append)
    assert found.inputs == Columns(KNOWN.names, (3.0, 1.0, 4.0, 0.0), (3.0,) * 4)
    np.testing.assert_array_equal(found.train.images, given.train.images[:, [3, 1, 4, 0]])
    np.testing.assert_array_equal(found.test.images, given.test.images[:, [3, 1, 4, 0]])
    assert notes == ["d: the model does not read id"]


def test_a_word_that_the_rows_lack_is_0_as_the_model_has_it() -> None:
    found = arrange_dataset(dataset("c=y", "a", "b"), KNOWN, print)
    assert isinstance(found.inputs, Columns)
    assert (found.inputs.mean[2], found.inputs.deviation[2]) == (0.5, 0.5)
    np.testing.assert_array_equal(found.train.images[:, 2], np.full(4, -1))
    assert found.train.images.dtype == np.float32


@pytest.mark.parametrize("names", [("a", "bb", "c=x", "c=y"), ("a", "b"), ("a", "b", "c")])
def test_a_column_that_is_missing_is_named(names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=r"d has no column '(b|c=x)'.*, which the model reads"):
        arrange_dataset(dataset(*names), KNOWN, print)


@pytest.mark.parametrize(
    ("names", "known", "told"),
    [
        (("column 1", "column 2"), ("a", "b"), ["has no header: .* in the order a, b"]),
        (("b", "a"), ("column 1", "column 2"), ["without names of columns.* in their order, b, a"]),
        (("column 1",), ("column 1",), []),
        (("a", "b"), ("a", "b"), []),
    ],
)
def test_columns_without_names_are_taken_in_order_and_told(
    names: Any, known: Any, told: list[str]
) -> None:
    given, notes = dataset(*names), list[str]()
    count = len(known)
    found = arrange_dataset(given, Columns(known, (0.0,) * count, (1.0,) * count), notes.append)
    assert found is given
    assert len(notes) == len(told)
    for note, expected in zip(notes, told, strict=True):
        assert re.search(expected, note)
