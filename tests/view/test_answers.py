"""What a network answers for images: correct or not, how surely, and in words."""

from __future__ import annotations

import numpy as np

from mlp.data.task import Task
from mlp.view.answers import Answers


def test_answers_of_classes() -> None:
    probabilities = np.array([[0.1, 0.9], [0.8, 0.2]])
    found = Answers(Task(names=("cat", "dog")), probabilities, np.array([1, 1], np.uint8))
    assert found.correct.tolist() == [True, False]
    assert found.confidence.tolist() == [0.9, 0.8]
    assert found.caption(1) == "test image 1: dog, read as cat, 80.00% sure"


def test_answers_of_questions() -> None:
    task = Task("multilabel", ("a", "b", "c"))
    probabilities = np.array([[0.9, 0.8, 0.1], [0.9, 0.01, 0.3], [0.2, 0.1, 0.3]])
    labels = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0]], np.uint8)
    found = Answers(task, probabilities, labels)
    assert found.correct.tolist() == [True, False, True]
    assert found.unit.tolist() == [1, 1, 2]
    assert found.confidence.tolist() == [0.8, 0.99, 0.7]
    assert found.caption(1) == "test image 1: a and b, read as a, 99.00% sure of no b"
    assert found.caption(2) == "test image 2: nothing, read as nothing, 70.00% sure of no c"
    binary = Answers(Task("binary", ("0 or 2",), (0, 2)), np.array([[0.75]]), labels[:1, 2:])
    assert binary.caption(0) == "test image 0: no, read as yes, 75.00% sure"


def test_answers_name_as_many_outputs_as_there_are() -> None:
    assert Answers(Task(), np.ones((1, 12)) / 12, np.zeros(1, np.uint8)).names[-1] == "11"
