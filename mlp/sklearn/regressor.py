"""The regressor: one number or several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d

from mlp.data.task import Task
from mlp.sklearn.arrays import to_host
from mlp.sklearn.base import BaseMLP
from mlp.sklearn.constraints import check_parameters
from mlp.sklearn.lesson import Lesson, check_weights
from mlp.sklearn.parameters import parameter

LOSSES = {"squared_error": "quadratic"}
"""What scikit-learn calls a loss, and its name here."""


@dataclass(eq=False, repr=False, kw_only=True)
class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]  # no types there
    """A multilayer perceptron that estimates numbers, with scikit-learn's interface."""

    loss: str = parameter("squared_error", "What training minimises: half the squared error.")

    @property
    def out_activation_(self) -> str:
        """What follows the last layer."""
        return self._network().output

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Learn from samples.

        Args:
            X: shape (N, I).
            y: numbers, shape (N,) or (N, L).
            sample_weight: how much each sample counts, shape (N,).
        """
        check_parameters(self)
        fresh = not (self.warm_start and hasattr(self, "network_"))
        self._learn(self._lesson(X, y, sample_weight, reset=fresh), fresh=fresh)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Learn from each sample once; see `fit`."""
        check_parameters(self)
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        fresh = not hasattr(self, "network_")
        self._learn(self._lesson(X, y, sample_weight, reset=fresh), fresh=fresh, epochs=1)
        return self

    def predict(self, X: Any) -> Any:
        """Estimate the numbers of each sample, shape (N,) or (N, L)."""
        outputs, kind = self._outputs(X, "predict")
        return kind.from_host(outputs.ravel() if outputs.shape[1] == 1 else outputs)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute R², the share of the variance that `predict` explains, at most 1."""
        answers = to_host(self.predict(X))
        return float(r2_score(to_host(y), answers, sample_weight=to_host(sample_weight)))

    def _lesson(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> Lesson:
        X, y = self._samples(X, y, reset=reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        labels = y.astype(X.dtype).reshape(len(y), -1)  # (N, L)
        outputs = labels.shape[1]
        if not reset and outputs != self.n_outputs_:
            raise ValueError(f"y has {outputs} columns, but had {self.n_outputs_} in the first fit")
        weights = check_weights(sample_weight, len(X))
        task = Task(
            "regression", tuple(map(str, range(outputs))), (), (0.0,) * outputs, (1.0,) * outputs
        )
        return Lesson(X, labels, weights, outputs, task, LOSSES.get(self.loss, self.loss)).counted()

    def _score_of(self, outputs: NDArray[Any], labels: NDArray[Any]) -> float:
        return float(r2_score(labels, outputs))
