"""Tasks: from outputs to answers, probabilities and words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlp.data.task import Task

QUESTIONS = Task("multilabel", ("a", "b", "c"))
LOGITS = np.array([[2.0, -1.0, 0.5], [-3.0, 0.0, 4.0]])


@pytest.mark.parametrize(
    ("task", "logits", "outputs", "answers"),
    [
        (Task(), True, LOGITS, [0, 2]),
        (QUESTIONS, True, LOGITS, [[1, 0, 1], [0, 0, 1]]),
        (QUESTIONS, False, [[0.6, 0.5, 0.4]], [[1, 0, 0]]),
        (Task("binary", ("even",)), True, [[0.1], [-0.1]], [[1], [0]]),
    ],
)
def test_outputs_become_answers(task: Task, logits: bool, outputs: Any, answers: Any) -> None:
    assert task.decide(np.array(outputs), logits=logits).tolist() == answers


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("logits", [True, False])
@pytest.mark.parametrize("task", [Task(), QUESTIONS], ids=lambda task: task.kind)
def test_probabilities_agree_with_their_formulas(
    task: Task, logits: bool, temperature: float
) -> None:
    outputs = LOGITS if logits else 1 / (1 + np.exp(-LOGITS))
    found = task.probabilities(outputs, logits=logits, temperature=temperature)
    if task.kind == "multiclass":
        powers = (np.exp(outputs) if logits else outputs) ** (1 / temperature)
        expected = powers / powers.sum(axis=1, keepdims=True)
    else:  # the sigmoid is undone and done again
        expected = 1 / (1 + np.exp(-LOGITS / temperature))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_array_equal(
        task.decide(found, logits=False), task.decide(outputs, logits=logits)
    )


def test_activations_of_nothing_have_no_probabilities() -> None:
    assert Task().probabilities(np.zeros((1, 3)), logits=False).tolist() == [[0, 0, 0]]


def test_outputs_are_numbered_where_the_names_are_of_others() -> None:
    assert Task().names_of(10) == list("0123456789")
    assert Task().names_of(3) == ["0", "1", "2"]
    assert QUESTIONS.names_of(3) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("task", "label", "text"),
    [
        (Task(), np.uint8(2), "c"),
        (Task("binary"), np.array([1]), "yes"),
        (Task("binary"), np.array([0]), "no"),
        (QUESTIONS, np.array([1, 0, 1]), "a and c"),
        (QUESTIONS, np.array([0, 0, 0]), "nothing"),
    ],
)
def test_a_label_is_put_into_words(task: Task, label: Any, text: str) -> None:
    assert task.describe(label, ["a", "b", "c"]) == text
