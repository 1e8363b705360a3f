"""Calibration: whether probabilities agree with accuracy, and the temperature that makes them.

C. Guo and others, On Calibration of Modern Neural Networks, 2017.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.data.task import Task

BINS = 15

COLDEST, HOTTEST = 0.25, 8.0
"""The range of temperatures that is searched. Without limits, a few images that are all answered
correctly would have no minimum."""

SEARCH_STEPS = 40
"""Each step keeps two thirds of the range; the last range is narrower than the figures shown."""


def fit_temperature(
    outputs: NDArray[Any], labels: NDArray[Any], task: Task, *, logits: bool = True
) -> float:
    """Find the temperature T that minimises the cross-entropy of softmax(logits / T).

    T changes probabilities, never the answers (Guo and others, section 4.2). For yes-or-no
    questions, the sigmoid replaces the softmax. The cross-entropy is convex in 1/T, so it has one
    minimum, which a ternary search closes in on.

    Args:
        outputs: of a network, for images it was not trained on, shape (N, C), N at least 1.
        labels: shape (N,), or (N, C) for questions.
        task: what the labels mean.
        logits: whether the outputs are logits, rather than activations from 0 to 1.

    Returns:
        T, from `COLDEST` to `HOTTEST`: above 1 if the network is overconfident.
    """

    def cross_entropy(log_temperature: float) -> float:
        probabilities = task.probabilities(
            outputs, logits=logits, temperature=math.exp(log_temperature)
        )
        if task.kind == "multiclass":
            of_label = probabilities[np.arange(len(labels)), labels]  # (N,)
        else:
            of_label = np.where(labels == 1, probabilities, 1.0 - probabilities)  # (N, C)
        return float(-np.log(np.maximum(of_label, np.finfo(np.float64).tiny)).mean())

    low, high = math.log(COLDEST), math.log(HOTTEST)
    for _ in range(SEARCH_STEPS):
        third = (high - low) / 3
        if cross_entropy(low + third) < cross_entropy(high - third):
            high -= third
        else:
            low += third
    return math.exp((low + high) / 2)


def expected_calibration_error(
    probabilities: NDArray[np.float64], labels: NDArray[Any], task: Task
) -> float:
    """Compute Σ (n / N) |accuracy - confidence| over `BINS` equal bins of the confidence.

    Guo and others, equation 3. The confidence is the probability of the given answer; of several
    questions, each answer counts.

    Args:
        probabilities: of the C classes, or of yes to the C questions, shape (N, C).
        labels: shape (N,), or (N, C) for questions.
        task: what the labels mean.

    Returns:
        From 0, where confidence and accuracy agree, to 1.
    """
    answers = task.decide(probabilities, logits=False)  # (N,) or (N, C)
    confidence = confidence_in(answers, probabilities, task).ravel()
    correct = (answers == labels).ravel()
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, correct - confidence, BINS)  # (BINS,): n (accuracy - confidence)
    return float(np.abs(gaps).sum() / len(correct))


def confidence_in(
    answers: NDArray[Any], probabilities: NDArray[np.float64], task: Task
) -> NDArray[np.float64]:
    """Return the probability of each answer, in the shape of the answers: (N,) or (N, C)."""
    if task.kind == "multiclass":
        answers = answers[:, None]  # (N, 1)
        return np.take_along_axis(probabilities, answers, axis=1)[:, 0]
    return np.where(answers == 1, probabilities, 1.0 - probabilities)
