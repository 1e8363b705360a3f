"""What a network is to learn, as the estimators hand it to the training loop."""

from __future__ import annotations

import numbers
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from mlp.data.task import Task
from mlp.sklearn.arrays import to_host


@dataclass(frozen=True)
class Lesson:
    """What a network is to learn.

    Attributes:
        X: float32 or float64, shape (N, I).
        labels: see `mlp.data.dataset.Split`.
        weights: of the samples, shape (N,); None where all count alike.
        outputs: the width of the network's last layer.
        task: what the labels mean.
        loss: the name of the loss.
    """

    X: NDArray[Any]
    labels: NDArray[Any]
    weights: NDArray[Any] | None
    outputs: int
    task: Task
    loss: str

    def counted(self) -> Lesson:
        """Return it without the samples that have a weight of 0."""
        if self.weights is None or self.weights.all():
            return self
        rows = self.weights > 0
        return replace(self, X=self.X[rows], labels=self.labels[rows], weights=self.weights[rows])


def check_weights(sample_weight: Any, N: int) -> NDArray[Any] | None:
    """Check the samples' weights in scikit-learn's way.

    Raises:
        ValueError: if they are no N numbers of at least 0, of which one is above.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Number):
        sample_weight = np.full(N, sample_weight)
    weights: NDArray[Any] = check_array(
        to_host(sample_weight), ensure_2d=False, dtype=np.float64, input_name="sample_weight"
    )
    if weights.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got {weights.ndim}D array.")
    if weights.shape != (N,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(N,)}!")
    if weights.min() < 0:
        raise ValueError("Negative values in data passed to `sample_weight`.")
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights
