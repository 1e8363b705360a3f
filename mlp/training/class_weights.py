"""Classes that count more in the loss than others, such as rare ones."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mlp.common.choices import no_such
from mlp.common.errors import UsageError
from mlp.data.dataset import Split
from mlp.data.task import Task

BALANCED = "balanced"

Weights = tuple[float, ...] | dict[str, float]


def parse_class_weight(choice: str) -> Weights | None:
    """Read what is chosen: a weight for each class in order, or for some by their names.

    Returns:
        The weights; None for ``"balanced"``, which the data decides.

    Raises:
        UsageError: if it is none of these, or a weight is not a finite number of at least 0.
    """
    if choice == BALANCED:
        return None
    parts = [part.strip() for part in choice.split(",")]
    if not all("=" in part for part in parts):
        return tuple(_weight(part, choice) for part in parts)
    pairs = [part.rpartition("=") for part in parts]
    return {name.strip(): _weight(value, choice) for name, _, value in pairs}


def weigh_classes(split: Split, task: Task, classes: int, choice: str | None) -> Split:
    """Let every row count as much as its class does, times any weight that it had.

    Balanced, each class counts as much as any other: a row of class c has the weight
    N / (C · N_c), so that the mean of the weights is 1. Source: King and Zeng, Logistic Regression
    in Rare Events Data (2001), as scikit-learn's ``class_weight="balanced"`` has it.

    Args:
        split: the training rows.
        task: what their labels mean.
        classes: C.
        choice: see `parse_class_weight`; None leaves the rows as they are.

    Raises:
        UsageError: if the labels are no classes, the weights are of other classes than these, or
            every row would weigh nothing.
    """
    if choice is None:
        return split
    if task.kind not in ("multiclass", "binary"):
        raise UsageError(
            f"class weights are of classes, and a {task.kind} task has none: leave the class "
            "weight away"
        )
    labels = split.labels.reshape(len(split)).astype(np.int64)  # (N,), 0 and 1 of yes or no
    names = task.names_of(classes) if task.kind == "multiclass" else ["no", "yes"]
    weights = _of_each(parse_class_weight(choice), names, labels)[labels]  # (N,)
    if not weights.any():
        raise UsageError(
            f"the class weight {choice} lets every training row count nothing: give a class that "
            "is there more than 0"
        )
    return replace(split, weights=weights if split.weights is None else weights * split.weights)


def _of_each(
    chosen: Weights | None, names: list[str], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the weight of each class, shape (C,)."""
    if chosen is None:
        counts = np.bincount(labels, minlength=len(names))
        present = np.count_nonzero(counts)
        return len(labels) / (present * np.maximum(counts, 1.0))
    if isinstance(chosen, tuple):
        if len(chosen) != len(names):
            raise UsageError(
                f"there are {len(chosen)} class weights for {len(names)} classes: give one for "
                "each in order, or some by name, as in 3=2,7=0.5"
            )
        return np.array(chosen)
    for name in chosen:
        if name not in names:
            raise UsageError(no_such("class to weigh", name, names))
    return np.array([chosen.get(name, 1.0) for name in names])


def _weight(text: str, choice: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 <= weight < math.inf:
        raise UsageError(
            f"the class weight is {BALANCED}, a number of at least 0 for each class with commas "
            f"between, or some by name, as in 3=2,7=0.5, and not {choice!r}"
        )
    return weight
