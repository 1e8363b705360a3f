"""The column that is advised as the label: one that can be it, so that the advice does no harm."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.interpret import interpret
from mlp.data.raw import WHOLE, RawSplit

RNG = np.random.default_rng(5)
LETTERS = np.arange(60) % 4 + 1
PIXELS = RNG.integers(0, 256, (60, 9))
BLANK = np.zeros((60, 1), np.int64)


@pytest.mark.parametrize(
    ("values", "advised"),
    [
        (np.column_stack([LETTERS, PIXELS]), "first"),
        (np.column_stack([LETTERS, PIXELS, BLANK]), "first"),
        (np.column_stack([BLANK, PIXELS, LETTERS]), "last"),
        (np.column_stack([LETTERS, PIXELS, LETTERS]), "last"),
        (PIXELS / 7, "last"),
    ],
)
def test_the_advised_label_looks_like_one(values: np.ndarray, advised: str) -> None:
    names = ("first", *(f"pixel{i}" for i in range(values.shape[1] - 2)), "last")
    raw = RawSplit(values, None, names)
    with pytest.raises(DataError, match=f"such as --label {advised}$"):
        interpret({WHOLE: raw}, "drawn", "tests")
