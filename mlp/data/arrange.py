"""The columns of new rows, put into the order of those that a model was trained on."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.choices import did_you_mean
from mlp.common.errors import DataError
from mlp.data.dataset import Dataset
from mlp.data.inputs import Columns
from mlp.data.raw import RawSplit

NUMBERED = re.compile(r"column (\d{1,6})(?:=(.*))?", re.DOTALL)
"""What features are called whose columns have no names."""


def arrange(raw: RawSplit, inputs: Columns, source: str) -> NDArray[Any]:
    """Take a model's columns of rows by their names, or as they stand where either has none.

    A column ``name=word`` that the rows lack is 0 in all of them where they have other words of
    that name; a word that the model does not know is left out.

    Args:
        raw: the rows.
        inputs: what the model reads.
        source: where the rows are, for messages.

    Returns:
        Shape (N, I), where the rows have columns at all.

    Raises:
        DataError: if a column is missing.
    """
    features, names = raw.features, raw.columns
    if features.ndim != 2 or names is None or names == inputs.names:
        return features
    if features.shape[1] == len(inputs.names) and are_numbered(inputs.names):
        return features
    places = {name: place for place, name in enumerate(names)}
    categories = {name.partition("=")[0]: place for name, place in places.items() if "=" in name}
    columns = []
    for name in inputs.names:
        if name in places:
            columns.append(features[:, places[name]])
        elif "=" in name and name.partition("=")[0] in categories:
            columns.append(0.0 * features[:, categories[name.partition("=")[0]]])  # or missing
        else:
            raise DataError(
                f"{source} has no column {name!r}{did_you_mean(name, names)}, which the model "
                f"reads: it has {listed(names)}"
            )
    return np.column_stack(columns)


def arrange_dataset(dataset: Dataset, known: Columns, note: Callable[[str], object]) -> Dataset:
    """Take a model's columns of a dataset by their names, or in its order where either has none.

    Each stays standardised as it is. A column ``name=word`` that the dataset lacks is 0 in all
    rows where it has other words of that name.

    Args:
        dataset: what the model is to be trained on further.
        known: what it reads.
        note: told of columns that the model does not read, and of what is taken in order.

    Raises:
        DataError: if the dataset is of columns, and one is missing that the model reads.
    """
    inputs = dataset.inputs
    if not isinstance(inputs, Columns) or inputs.names == known.names:
        return dataset
    names = None if are_numbered(inputs.names) else inputs.names
    if names is None or are_numbered(known.names):
        if told := told_order(dataset.name, names, known):
            note(told)
        return dataset
    apart = replace(known, mean=(0.0,) * len(known.names), deviation=(1.0,) * len(known.names))
    measures = RawSplit(np.array([inputs.mean, inputs.deviation]), columns=names)
    mean, deviation = arrange(measures, apart, dataset.name)  # (2, I)
    there = [name in names for name in known.names]  # the words of others are 0, as the model knows
    arranged = replace(
        inputs,
        names=known.names,
        mean=tuple(np.where(there, mean, known.mean).tolist()),
        deviation=tuple(np.where(there, deviation, known.deviation).tolist()),
    )
    absent = (-np.array(known.mean) / np.array(known.deviation)).astype(np.float32)
    splits = []
    for split in (dataset.train, dataset.test):
        rows = arrange(RawSplit(split.images, columns=names), apart, dataset.name)
        splits.append(replace(split, images=np.where(there, rows, absent)))
    unread = [name for name in names if name not in known.names]
    if unread:
        note(f"{dataset.name}: the model does not read {listed(unread)}")
    return replace(dataset, train=splits[0], test=splits[1], inputs=arranged)


def are_numbered(names: Sequence[str]) -> bool:
    """Whether columns had no names where they come from."""
    return all(map(NUMBERED.fullmatch, names))


def told_order(
    source: object, names: Sequence[str] | None, known: Columns, lacks: str = "header"
) -> str | None:
    """Tell that columns are taken in their order, where either side does not name them.

    Args:
        source: where they are.
        names: theirs; None where they have none.
        known: what a model reads.
        lacks: what has their names elsewhere.
    """
    read = [*dict.fromkeys(name.partition("=")[0] for name in known.names)]
    if names is None and not are_numbered(known.names):
        return f"{source} has no {lacks}: its columns are taken in the order {listed(read)}"
    if names is not None and not are_numbered(names) and are_numbered(known.names):
        return (
            f"{source}: the model was trained without names of columns, and takes these in their "
            f"order, {listed(names)}"
        )
    return None


def listed(names: Sequence[str] | None) -> str:
    """Name the first of some columns for a message."""
    shown = ", ".join((names or ())[:8])
    return f"{shown}, …" if names and len(names) > 8 else shown
