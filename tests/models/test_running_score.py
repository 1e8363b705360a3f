"""Figures of a stream: those that are computed of all rows at once."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.data.raw import RawSplit
from mlp.data.task import Task
from mlp.models.metrics import score_numbers
from mlp.models.running_score import RunningScore

RNG = np.random.default_rng(0)
FEATURES = np.zeros((30, 2))


def score(task: Task, labels: np.ndarray, answers: np.ndarray) -> RunningScore:
    running = RunningScore(task, "a.csv")
    for rows in (slice(0, 7), slice(7, 8), slice(8, 30)):
        running.add(RawSplit(FEATURES[rows], labels[rows]), answers[rows])
    return running


def test_rows_without_a_label_do_not_count() -> None:
    labels = np.array(["b", "", "a"] * 10)
    running = score(Task(names=("a", "b")), labels, np.zeros(30, np.int64))
    assert (running.correct, running.total) == (10, 20)
    assert str(running).startswith("accuracy 50.00%: 10 right of 20")


def test_classes_of_a_question_are_yes_or_no() -> None:
    running = score(Task("binary", ("1 or 7",), (1, 7)), np.arange(30) % 10, np.ones((30, 1)))
    assert (running.correct, running.total) == (6, 30)


def test_errors_of_numbers_are_in_their_units() -> None:
    task = Task("regression", ("x", "y"), (), (1e6, -3.0), (100.0, 0.5))
    labels = task.in_own_units(RNG.normal(size=(30, 2)))
    answers = RNG.normal(size=(30, 2))
    found = score(task, labels, answers).to_json()
    expected = score_numbers(task.in_own_units(answers), labels).to_json()
    for name, figures in expected.items():
        assert found[name] == pytest.approx(figures, rel=1e-4)


def test_other_labels_are_no_error() -> None:
    running = score(Task(names=("a", "b")), np.array(["c"] * 30), np.zeros(30, np.int64))
    assert running.to_json() == {}
    assert "label c" in str(running.problem)
