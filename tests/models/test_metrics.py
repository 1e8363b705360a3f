"""Scores: counts, fractions and the confusion matrix, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.data.task import Task
from mlp.models.metrics import count_correct, score, score_labels, score_numbers


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


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), min_size=1))
def test_it_counts(pairs: list[tuple[int, int]]) -> None:
    """Also with uint8 labels of twenty classes, whose products pass 255 in a byte."""
    labels, predictions = (np.array(column) for column in zip(*pairs, strict=True))
    result = score(predictions, labels.astype(np.uint8), 20)
    assert result.total == len(pairs)
    assert result.correct == sum(label == prediction for label, prediction in pairs)
    for label, prediction in pairs:
        assert result.confusion[label, prediction] == pairs.count((label, prediction))
    for fractions in (result.precision, result.recall):
        assert ((fractions >= 0) & (fractions <= 1)).all()


def test_questions_are_counted_one_by_one() -> None:
    labels = np.array([[1, 0], [1, 1], [0, 0], [0, 1]], np.uint8)
    answers = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.uint8)
    result = score_labels(answers, labels)
    np.testing.assert_array_equal(result.true_yes, [1, 2])
    np.testing.assert_array_equal(result.false_yes, [1, 0])
    np.testing.assert_array_equal(result.false_no, [1, 0])
    assert (result.exact, result.total, result.exact_match) == (2, 4, 0.5)
    np.testing.assert_allclose(result.accuracy, [0.5, 1.0])
    np.testing.assert_allclose(result.precision, [0.5, 1.0])
    np.testing.assert_allclose(result.recall, [0.5, 1.0])
    np.testing.assert_allclose(result.f1, [0.5, 1.0])


def test_f1_is_the_harmonic_mean() -> None:
    labels, answers = np.array([[1], [1], [1], [0]]), np.array([[1], [0], [0], [0]])
    result = score_labels(answers, labels)
    precision, recall = result.precision[0], result.recall[0]
    assert (precision, recall) == (1.0, pytest.approx(1 / 3))
    assert result.f1[0] == pytest.approx(2 * precision * recall / (precision + recall))


def test_an_image_is_right_when_all_its_answers_are() -> None:
    assert count_correct(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 4])) == 3
    assert count_correct(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]])) == 1


def test_decisions_and_probabilities_of_one_class_of_several() -> None:
    logits = np.array([[0.0, np.log(3.0)], [1000.0, -1000.0]], np.float32)
    task = Task(names=("no", "yes"))
    np.testing.assert_array_equal(task.decide(logits, logits=True), [1, 0])
    predicted = task.probabilities(logits, logits=True)
    np.testing.assert_allclose(predicted, [[0.25, 0.75], [1, 0]], rtol=1e-6)
    activations = np.array([[0.2, 0.6], [0.0, 0.0]])
    predicted = task.probabilities(activations, logits=False)
    np.testing.assert_allclose(predicted, [[0.25, 0.75], [0, 0]])


def test_decisions_and_probabilities_of_questions() -> None:
    logits = np.array([[np.log(3.0), -1000.0, 0.0]])
    task = Task("multilabel", ("a", "b", "c"))
    np.testing.assert_array_equal(task.decide(logits, logits=True), [[1, 0, 0]])
    predicted = task.probabilities(logits, logits=True)
    np.testing.assert_allclose(predicted, [[0.75, 0, 0.5]], atol=1e-15)
    np.testing.assert_array_equal(task.decide(predicted, logits=False), [[1, 0, 0]])
    np.testing.assert_array_equal(task.probabilities(predicted, logits=False), predicted)


def test_rare_classes_count_as_much_as_others() -> None:
    counts = score(np.zeros(10, int), np.array([0] * 9 + [1]), 3)
    assert counts.accuracy == 0.9
    assert counts.balanced_accuracy == 0.5  # class 2 does not occur
    np.testing.assert_allclose(counts.f1, [18 / 19, 0, 0])
    assert counts.macro_f1 == pytest.approx(9 / 19)


def test_estimates_are_compared_with_numbers() -> None:
    numbers = np.array([[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]])
    found = score_numbers(numbers + np.array([[1.0, 0.0]]), numbers)
    np.testing.assert_allclose(found.mean_absolute_error, [1, 0])
    np.testing.assert_allclose(found.root_mean_squared_error, [1, 0])
    np.testing.assert_allclose(found.r2, [1 - 3 / 14, 0])
