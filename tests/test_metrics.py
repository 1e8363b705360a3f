"""Scores: counts, shares and the confusion matrix, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.metrics import score


def test_a_small_example() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2], np.uint8)
    predictions = np.array([0, 0, 1, 1, 0, 2])
    result = score(predictions, labels, 4)
    np.testing.assert_array_equal(
        result.confusion, [[2, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    )
    assert (result.correct, result.total) == (4, 6)
    assert result.accuracy == pytest.approx(4 / 6)
    np.testing.assert_allclose(result.precision, [2 / 3, 1 / 2, 1, 0])
    np.testing.assert_allclose(result.recall, [2 / 3, 1 / 2, 1, 0])


def test_precision_and_recall_are_not_mixed_up() -> None:
    result = score(np.array([0, 0, 0, 0]), np.array([0, 1, 1, 1], np.uint8), 2)
    np.testing.assert_allclose(result.precision, [0.25, 0])
    np.testing.assert_allclose(result.recall, [1, 0])


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), min_size=1))
def test_it_counts(pairs: list[tuple[int, int]]) -> None:
    """Also with uint8 labels of sixteen classes, whose products pass 255 in a byte."""
    labels, predictions = (np.array(column) for column in zip(*pairs, strict=True))
    result = score(predictions, labels.astype(np.uint8), 16)
    assert result.total == len(pairs)
    assert result.correct == sum(label == prediction for label, prediction in pairs)
    for label, prediction in pairs:
        assert result.confusion[label, prediction] == pairs.count((label, prediction))
    for shares in (result.precision, result.recall):
        assert ((shares >= 0) & (shares <= 1)).all()
