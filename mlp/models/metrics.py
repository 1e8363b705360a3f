"""How well answers agree with labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array


def count_correct(answers: Array, labels: Array) -> Array:
    """Count the images with all answers correct, on the arrays' device.

    Args:
        answers: shape (N,), or (N, L) for L questions, all of which must be correct.
        labels: the same shape.

    Returns:
        The count, an integer of shape ().
    """
    correct = answers == labels  # (N,) or (N, L)
    return correct.reshape(len(correct), -1).all(axis=1).sum()


@dataclass(frozen=True)
class Score:
    """How many images of each class were predicted as each class.

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
        """The number of correct predictions."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """The fraction of correct predictions, 0 to 1."""
        return self.correct / self.total

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that occur, 0 to 1: rare ones count as much as others."""
        return float(self.recall[self.confusion.sum(axis=1) > 0].mean())

    @property
    def f1(self) -> NDArray[np.float64]:
        """For each class, the harmonic mean of precision and recall, shape (C,)."""
        counted = self.confusion.sum(axis=0) + self.confusion.sum(axis=1)
        return _fraction(2 * self.confusion.diagonal(), counted)

    @property
    def macro_f1(self) -> float:
        """The mean `f1` of the classes that occur or are predicted, 0 to 1."""
        counted = self.confusion.sum(axis=0) + self.confusion.sum(axis=1)
        return float(self.f1[counted > 0].mean())

    @property
    def precision(self) -> NDArray[np.float64]:
        """For each class, the fraction of its predictions that are correct, shape (C,)."""
        return _fraction(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        """For each class, the fraction of its images that are found, shape (C,)."""
        return _fraction(self.confusion.diagonal(), self.confusion.sum(axis=1))


def score(predictions: NDArray[Any], labels: NDArray[Any], classes: int) -> Score:
    """Count predictions against labels.

    Args:
        predictions: integers below classes, shape (N,).
        labels: integers below classes, shape (N,).
        classes: C.
    """
    pairs = labels.astype(np.int64) * classes + predictions  # (N,)
    return Score(np.bincount(pairs, minlength=classes**2).reshape(classes, classes))


@dataclass(frozen=True)
class LabelScore:
    """How many answers to each question were correct, and how the others were wrong.

    Attributes:
        true_yes: yes where the label is yes, int64 of shape (L,).
        false_yes: yes where it is no.
        false_no: no where it is yes.
        total: the number of images.
        exact: how many images have all answers correct.
    """

    true_yes: NDArray[np.int64]
    false_yes: NDArray[np.int64]
    false_no: NDArray[np.int64]
    total: int
    exact: int

    @property
    def exact_match(self) -> float:
        """The fraction of images with all answers correct, 0 to 1."""
        return self.exact / self.total

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """For each question, the fraction of correct answers, shape (L,)."""
        return 1.0 - (self.false_yes + self.false_no) / self.total

    @property
    def precision(self) -> NDArray[np.float64]:
        """For each question, the fraction of yes answers that are correct, shape (L,)."""
        return _fraction(self.true_yes, self.true_yes + self.false_yes)

    @property
    def recall(self) -> NDArray[np.float64]:
        """For each question, the fraction of yes labels that are found, shape (L,)."""
        return _fraction(self.true_yes, self.true_yes + self.false_no)

    @property
    def f1(self) -> NDArray[np.float64]:
        """For each question, the harmonic mean of precision and recall, shape (L,)."""
        return _fraction(2 * self.true_yes, 2 * self.true_yes + self.false_yes + self.false_no)


def score_labels(answers: NDArray[Any], labels: NDArray[Any]) -> LabelScore:
    """Count answers against labels, both 0 or 1 and of shape (N, L)."""
    yes, truth = answers.astype(bool), labels.astype(bool)  # (N, L)
    return LabelScore(
        true_yes=(yes & truth).sum(axis=0),
        false_yes=(yes & ~truth).sum(axis=0),
        false_no=(~yes & truth).sum(axis=0),
        total=len(labels),
        exact=int((yes == truth).all(axis=1).sum()),
    )


@dataclass(frozen=True)
class NumberScore:
    """How far estimates are from the numbers, for each of the L numbers, float64 of shape (L,).

    Attributes:
        mean_absolute_error: the mean of |estimate - number|, in the number's unit.
        root_mean_squared_error: the root of the mean of (estimate - number)², in the same unit.
        r2: 1 - Σ (estimate - number)² / Σ (number - mean)², the share of the variance that is
            explained: 1 at best, 0 for the mean itself; 0 for numbers that do not vary.
    """

    mean_absolute_error: NDArray[np.float64]
    root_mean_squared_error: NDArray[np.float64]
    r2: NDArray[np.float64]

    def to_json(self) -> dict[str, list[float]]:
        """Return the figures under the names that commands print."""
        return {
            "r2": self.r2.tolist(),
            "mae": self.mean_absolute_error.tolist(),
            "rmse": self.root_mean_squared_error.tolist(),
        }


def score_numbers(estimates: NDArray[Any], numbers: NDArray[Any]) -> NumberScore:
    """Compare estimates with the numbers, both of shape (N, L)."""
    truth = numbers.astype(np.float64)
    error = estimates.astype(np.float64) - truth  # (N, L)
    squared, spread = (error**2).sum(axis=0), ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    r2 = np.where(spread > 0, 1.0 - squared / np.where(spread > 0, spread, 1.0), 0.0)
    return NumberScore(np.abs(error).mean(axis=0), np.sqrt(squared / len(truth)), r2)


def _fraction(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Divide counts, shape (C,) or (L,); a fraction of nothing is 0."""
    fraction: NDArray[np.float64] = part / np.maximum(whole, 1)
    return fraction
