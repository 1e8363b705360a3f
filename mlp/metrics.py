"""How well predictions agree with labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Score:
    """The counts of right and wrong predictions, class by class.

    Attributes:
        confusion: int64, shape (C, C): row the label, column the prediction.
    """

    confusion: NDArray[np.int64]

    @property
    def total(self) -> int:
        """The number of images."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """The number of right predictions."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """The share of right predictions, 0 to 1."""
        return self.correct / self.total

    @property
    def precision(self) -> NDArray[np.float64]:
        """For each class, the share of its predictions that are right, shape (C,); 0 of none."""
        predicted = self.confusion.sum(axis=0)  # (C,)
        share: NDArray[np.float64] = self.confusion.diagonal() / np.maximum(predicted, 1)
        return share

    @property
    def recall(self) -> NDArray[np.float64]:
        """For each class, the share of its images that are found, shape (C,); 0 of none."""
        present = self.confusion.sum(axis=1)  # (C,)
        share: NDArray[np.float64] = self.confusion.diagonal() / np.maximum(present, 1)
        return share


def score(predictions: NDArray[Any], labels: NDArray[Any], classes: int) -> Score:
    """Count predictions against labels.

    Args:
        predictions: integers below classes, shape (N,).
        labels: integers below classes, shape (N,).
        classes: C.
    """
    pairs = labels.astype(np.int64) * classes + predictions  # (N,)
    return Score(np.bincount(pairs, minlength=classes**2).reshape(classes, classes))
