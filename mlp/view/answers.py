"""What a network makes of images: right or wrong, how sure it is, and a caption in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.data.task import Task


class Readings:
    """The answers to a split's images, whatever the task.

    Args:
        task: what the labels mean.
        shares: the probability of each class or of each yes, shape (N, C); NaN is as unsure as
            can be.
        labels: shape (N,) for one of several classes, (N, C) for questions.

    Attributes:
        names: of the C classes or questions.
        shares: as given.
        right: which images are read wholly right, shape (N,).
        unit: the output that decides on it, shape (N,): the class that was read; or the question
            whose answer is furthest from the truth.
        confidence: how sure the network is of what that output says, 0 to 1, shape (N,).
    """

    def __init__(self, task: Task, shares: NDArray[Any], labels: NDArray[Any]) -> None:
        self._task, self._labels = task, labels
        self.names = task.names_of(shares.shape[1])
        self.shares = np.nan_to_num(shares)  # (N, C)
        self._answers = task.decide(self.shares, logits=False)  # (N,) or (N, C)
        self.right = (self._answers == labels).reshape(len(labels), -1).all(axis=1)
        if task.kind == "multiclass":
            self.unit = self._answers
            sure = self.shares
        else:
            self.unit = np.abs(self.shares - labels).argmax(axis=1)
            sure = np.maximum(self.shares, 1.0 - self.shares)
        self.confidence: NDArray[np.float64] = sure[np.arange(len(sure)), self.unit]

    def caption(self, row: int) -> str:
        """Say in words what an image is, what was read and how surely."""
        truth = self._task.describe(self._labels[row], self.names)
        read = self._task.describe(self._answers[row], self.names)
        sure = f"{self.confidence[row]:.2%} sure"
        if self._task.kind == "multilabel":
            name, yes = self.names[self.unit[row]], self._answers[row, self.unit[row]]
            sure += f" of {name}" if yes else f" of no {name}"
        return f"test image {row}: {truth}, read as {read}, {sure}"
