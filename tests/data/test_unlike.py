"""Rows that are unlike those that a model learnt from are told, and none that are merely odd."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from mlp.data.evidence import FEWEST_ROWS
from mlp.data.inputs import Columns
from mlp.data.unlike import told_unlike

RNG = np.random.default_rng(0)
ROWS = RNG.normal((5.0, -300.0, 0.5), (2.0, 40.0, 0.3), (300, 3))
KNOWN = Columns.of(ROWS, ("a", "b", "c"), True, "tests")
ASKED = RNG.normal((5.0, -300.0, 0.5), (2.0, 40.0, 0.3), (100, 3))
GAPS = np.where(RNG.random(ASKED.shape) < 0.3, np.nan, ASKED)
ODD = np.concatenate([ASKED, ASKED[:9] * 1_000])


def standardised(rows: Any) -> Any:
    return (rows - ROWS.mean(axis=0)) / ROWS.std(axis=0)


@pytest.mark.parametrize(
    "rows",
    [
        ASKED,
        GAPS,
        ODD,
        ROWS[:5] * 1_000,
        ASKED + np.array([6.0, 120.0, 0.9]),
        ASKED[:, :2],
        ASKED * np.nan,
    ],
)
def test_rows_like_those_learnt_from_or_a_few_odd_ones_are_not_told(rows: Any) -> None:
    assert told_unlike(rows, KNOWN, "t.csv") is None


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (ASKED[:, [1, 0, 2]], "a of t.csv is mostly around -[23].*, where the model learnt from "),
        (ASKED * (1, 1, 1_000), "c of t.csv is mostly around "),
        (
            GAPS * (1, 100, 1),
            "b of t.csv is mostly around -[23].*e.04, where the model learnt from -[23]",
        ),
        (
            standardised(ASKED),
            "a of t.csv is -?0.* ± .*, where the model learnt from [45].*: all columns look as",
        ),
        (standardised(GAPS), "a of t.csv is -?0.*standardised"),
    ],
)
def test_rows_in_another_order_or_scale_are_told_by_the_column(rows: Any, told: str) -> None:
    sentence = told_unlike(rows, KNOWN, "t.csv")
    assert sentence is not None
    assert re.match(told, sentence)


def test_a_model_of_standardised_columns_takes_them_as_they_are() -> None:
    known = Columns.of(standardised(ROWS), ("a", "b", "c"), False, "tests")
    assert told_unlike(standardised(ASKED), known, "t.csv") is None


def test_columns_of_words_and_those_that_did_not_vary_decide_nothing() -> None:
    known = Columns(("a=x", "b"), (0.001, 7.0), (0.01, 1.0))
    assert told_unlike(np.ones((FEWEST_ROWS, 2)) * (1, 99), known, "t.csv") is None
