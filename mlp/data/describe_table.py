"""A dataset as it is learnt from: its columns or pixels, its classes or numbers, and problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.data.dataset import Dataset
from mlp.data.describe import rare_class, spoilers
from mlp.data.inputs import Columns
from mlp.data.interpret import as_images, interpret
from mlp.data.raw import TEST, TRAIN, WHOLE, RawSplits
from mlp.data.reading import Reading
from mlp.data.scales import full_range
from mlp.data.task import Kind


@dataclass(frozen=True)
class ColumnDescription:
    """One column of the inputs, or one number to estimate, over the training rows.

    Attributes:
        name: its name, or its place from 1.
        mean: in its own unit.
        deviation: in its own unit; 1 where an input does not vary.
        missing: how many rows of all lack it.
    """

    name: str
    mean: float
    deviation: float
    missing: int = 0


@dataclass(frozen=True)
class TableDescription:
    """What a training on this data would see.

    Attributes:
        task: its kind; see `mlp.data.task.Task`.
        rows: how many there are, by split; where there is no test set, as a training divides them.
        inputs: what the values are taken as, in words.
        size: the height and width of images; None of columns.
        columns: of inputs that are columns.
        classes: of each class or question its rows, or its answers of yes, by split.
        numbers: those to estimate, in regression.
        problems: what would spoil a training, a sentence each.
    """

    task: Kind
    rows: dict[str, int]
    inputs: str
    size: tuple[int, ...] | None
    columns: list[ColumnDescription]
    classes: dict[str, dict[str, int]]
    numbers: list[ColumnDescription]
    problems: list[str]


def are_plain_images(raw: RawSplits, source: str) -> bool:
    """Whether a file holds images of bytes, or of floats to 1, whose classes count from 0."""
    for split in raw.values():
        images, labels = as_images(split).features, split.labels
        if images.ndim != 3 or labels is None or labels.ndim != 1 or labels.dtype.kind not in "iu":
            return False
        plain = (0.0, 1.0) if images.dtype.kind in "bf" else (0.0, 255.0)
        if full_range(images, source) not in (plain, (0.0, 255.0), (0.0, 0.0)):
            return False
    found = np.unique(np.concatenate([np.ravel(s.labels) for s in raw.values()]))  # type: ignore[arg-type]
    return not np.array_equal(found, np.arange(1, len(found) + 1))  # as letters are numbered


def describe_table(
    raw: RawSplits, path: Path, reading: Reading, kind: Kind, note: Callable[[str], None]
) -> TableDescription:
    """Describe what a file holds as a training would take it.

    Args:
        raw: what the file holds.
        path: the file or folder.
        reading: the user's choices. Missing values are filled and counted, whatever they say.
        kind: ``"regression"`` where the labels are numbers to estimate.
        note: called with a sentence about each decision that is not plain.

    Raises:
        DataError: if the data does not make a dataset.
    """
    filled = replace(reading, missing="mean")
    dataset = interpret(raw, path.stem, str(path), filled, kind=kind, note=note)
    columns = _columns(dataset, raw)
    splits = {TRAIN: dataset.train, TEST: dataset.test}
    task = dataset.task
    problems = list(spoilers(dataset))
    if task.kind == "multiclass":
        rare = rare_class(dataset.train.labels, task.names_of(dataset.classes))
        problems += [] if rare is None else [f"train: {rare}"]
    lacking = [column for column in columns if column.missing]
    if lacking and reading.missing == "refuse":
        first = lacking[0]
        more = f" and {len(lacking) - 1:,} other columns lack some" if len(lacking) > 1 else ""
        problems.append(
            f"column {first.name} lacks {first.missing:,} "
            f"value{'s' * (first.missing != 1)}{more}: train with --missing mean"
        )
    return TableDescription(
        task=task.kind,
        rows={name: len(split) for name, split in splits.items()},
        inputs=str(dataset.inputs),
        size=dataset.train.images.shape[1:] if dataset.train.images.ndim == 3 else None,
        columns=columns,
        classes={
            name: {split: int(_counts(data.labels, dataset)[c]) for split, data in splits.items()}
            for c, name in enumerate(task.names_of(dataset.classes))
            if task.kind != "regression"
        },
        numbers=[
            ColumnDescription(*measures)
            for measures in zip(task.names, task.mean, task.deviation, strict=False)
            if task.kind == "regression"
        ],
        problems=problems,
    )


def _columns(dataset: Dataset, raw: RawSplits) -> list[ColumnDescription]:
    inputs = dataset.inputs
    if not isinstance(inputs, Columns):
        return []
    missing = sum(
        np.isnan(split.features).sum(axis=0)
        if split.features.dtype.kind == "f"
        else np.zeros(len(inputs.names), np.int64)
        for name, split in raw.items()
        if name in (TRAIN, TEST, WHOLE)
    )
    measures = zip(inputs.names, inputs.mean, inputs.deviation, np.ravel(missing), strict=True)
    return [ColumnDescription(name, m, d, int(count)) for name, m, d, count in measures]


def _counts(labels: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    if labels.ndim == 1:
        return np.bincount(labels, minlength=dataset.classes)
    return labels.sum(axis=0)  # type: ignore[no-any-return]
