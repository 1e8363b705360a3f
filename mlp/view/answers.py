"""What a network answers for images: right or wrong, how sure it is, and a caption in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.data.task import Task
from mlp.models.calibration import confidence_in


class Answers:
    """The answers to a split's images, whatever the task.

    Args:
        task: what the labels mean.
        probabilities: of each class or of each yes, shape (N, C); NaN counts as 0.
        labels: shape (N,) for one of several classes, (N, C) for questions.

    Attributes:
        names: of the C classes or questions.
        probabilities: as given, without NaN.
        correct: whether all answers for an image are correct, shape (N,).
        unit: the output that matters most for an image, shape (N,): the class that was read; for
            questions, the one whose probability is furthest from the label.
        confidence: the probability of the answer of that output, 0 to 1, shape (N,).
    """

    def __init__(self, task: Task, probabilities: NDArray[Any], labels: NDArray[Any]) -> None:
        self._task, self._labels = task, labels
        self.names = task.names_of(probabilities.shape[1])
        self.probabilities = np.nan_to_num(probabilities)  # (N, C)
        self._answers = task.decide(self.probabilities, logits=False)  # (N,) or (N, C)
        self.correct = (self._answers == labels).reshape(len(labels), -1).all(axis=1)
        self.confidence = confidence_in(self._answers, self.probabilities, task)  # (N,) or (N, C)
        if task.kind == "multiclass":
            self.unit = self._answers
        else:
            self.unit = np.abs(self.probabilities - labels).argmax(axis=1)
            self.confidence = self.confidence[np.arange(len(labels)), self.unit]  # (N,)

    def caption(self, row: int) -> str:
        """Say in words what an image is, what was read and how surely."""
        truth = self._task.describe(self._labels[row], self.names)
        read = self._task.describe(self._answers[row], self.names)
        sure = f"{self.confidence[row]:.2%} sure"
        if self._task.kind == "multilabel":
            name, yes = self.names[self.unit[row]], self._answers[row, self.unit[row]]
            sure += f" of {name}" if yes else f" of no {name}"
        return f"test image {row}: {truth}, read as {read}, {sure}"
