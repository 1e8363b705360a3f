"""What a file may hold, before anything is decided about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.raw import LONGEST_WORD, RawSplit, as_words


@pytest.mark.parametrize("kind", [bool, np.uint16, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 5), (3, 2, 4)])
def test_features_of_any_number_are_taken_as_they_are(kind: Any, shape: tuple[int, ...]) -> None:
    features = np.ones(shape, kind)
    raw = RawSplit(features, np.array(["a", "b", "a"]))
    assert raw.features is features
    assert len(raw) == 3
    part = raw[1:]
    assert np.array_equal(part.labels, ["b", "a"])
    assert len(RawSplit(features)[np.array([0, 2])]) == 2


@pytest.mark.parametrize(
    ("features", "labels", "columns", "sentence"),
    [
        (np.zeros(3), None, None, r"features must be .* float64 of shape \(3,\)"),
        (np.array([["a"]]), None, None, "features must be numbers .* not <U1"),
        (np.zeros((3, 2)), np.zeros((3, 1, 1)), None, "labels must be"),
        (np.zeros((3, 2)), np.zeros(3, complex), None, "labels must be .* not complex128"),
        (np.zeros((3, 2)), np.zeros(2), None, "3 images but 2 labels"),
        (np.zeros((3, 2)), None, ("a",), "1 names of columns for features of shape"),
        (np.zeros((3, 2, 2)), None, ("a", "b"), "2 names of columns"),
    ],
)
def test_arrays_that_make_no_split_are_refused(
    features: Any, labels: Any, columns: Any, sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        RawSplit(features, labels, columns)


def test_a_long_word_is_cut_and_differs_from_others() -> None:
    long, other = "a" * 100_000, "a" * 99_999 + "b"
    found = as_words([" x ", long, other, "a" * LONGEST_WORD])
    assert found.itemsize == np.dtype((str, LONGEST_WORD)).itemsize
    assert found[0] == "x"
    assert found[1] != found[2]
    assert found[3] == "a" * LONGEST_WORD
    assert as_words([long])[0] == found[1]
