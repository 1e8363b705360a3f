"""How right a stream of answers is, where the rows have labels: counted chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.raw import RawSplit
from mlp.data.targets import as_targets, has_label
from mlp.data.task import Task


class RunningScore:
    """Counts right answers, or adds up the errors of numbers.

    Args:
        task: what the model answers.
        source: where the rows are, for messages.

    Attributes:
        total: how many labelled rows were compared.
        correct: how many of these were answered right.
        problem: why the labels cannot be compared; None while they can.
    """

    def __init__(self, task: Task, source: str) -> None:
        self._task, self._source = task, source
        self.total = self.correct = 0
        self.problem: str | None = None
        self._sums = np.zeros((3, len(task.names)))  # of y, y² and the squared errors
        self._absolute = np.zeros(len(task.names))

    def add(self, raw: RawSplit, answers: NDArray[Any]) -> None:
        """Compare the answers to N rows, as `Task.decide` gives them, with the rows' labels."""
        if raw.labels is None or self.problem is not None:
            return
        there = has_label(raw)
        if not there.any():
            return
        labelled = raw if there.all() else raw[there]  # whose features are a copy
        try:
            labels = _targets(labelled, self._task, self._source)
        except DataError as error:
            self.problem = str(error)
            return
        answers = answers[there]
        self.total += len(labels)
        if self._task.kind == "regression":
            errors = answers.astype(np.float64) - labels
            self._sums += [labels.sum(axis=0), (labels.astype(np.float64) ** 2).sum(axis=0),
                           (errors**2).sum(axis=0)]  # fmt: skip
            self._absolute += np.abs(errors).sum(axis=0)
        else:
            same = (answers == labels).reshape(len(labels), -1)
            self.correct += int(same.all(axis=1).sum())

    def to_json(self) -> dict[str, Any]:
        """Return the figures; nothing where no row has a label."""
        if not self.total or self.problem is not None:
            return {}
        if self._task.kind != "regression":
            accuracy = self.correct / self.total
            return {"labelled": self.total, "correct": self.correct, "accuracy": accuracy}
        deviation, N = np.array(self._task.deviation), self.total
        mean, square, squared_error = self._sums / N  # in deviations of the training rows
        variance = np.maximum(square - mean**2, np.finfo(float).tiny)
        return {
            "labelled": N,
            "r2": (1 - squared_error / variance).tolist(),
            "mae": (self._absolute / N * deviation).tolist(),
            "rmse": (np.sqrt(squared_error) * deviation).tolist(),
        }

    def __str__(self) -> str:
        figures = self.to_json()
        if "accuracy" in figures:
            return (
                f"accuracy {self.correct / self.total:.2%}: {self.correct:,} right of "
                f"{self.total:,} labelled rows"
            )
        told = (
            f"{name}: R² {r2:.4g}, MAE {mae:.4g}, RMSE {rmse:.4g}"
            for name, r2, mae, rmse in zip(
                self._task.names, figures["r2"], figures["mae"], figures["rmse"], strict=True
            )
        )
        return f"{'; '.join(told)}, of {self.total:,} labelled rows"


def _targets(raw: RawSplit, task: Task, source: str) -> NDArray[Any]:
    """Return labels as the task's answers; the classes of a binary task become yes and no."""
    if task.kind != "binary" or (raw.labels is not None and raw.labels.ndim == 2):
        return as_targets(raw, task, source)
    assert raw.labels is not None
    whole = raw.labels.astype(np.int64) if raw.labels.dtype.kind == "f" else raw.labels
    names = np.array([str(label) for label in whole.tolist()])
    return np.isin(names, [str(number) for number in task.positive]).astype(np.uint8)[:, None]
