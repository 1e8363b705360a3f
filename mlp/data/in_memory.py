"""Data that a program has already: arrays, lists, frames and series."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.formats.arrays import as_split
from mlp.data.formats.categories import learn, values_of
from mlp.data.formats.request import Request
from mlp.data.formats.row_columns import named_features
from mlp.data.frames import floats_of, is_missing, table_of
from mlp.data.raw import TEST, TRAIN, WHOLE, RawSplit, RawSplits

Arrays = tuple[Any, Any]
"""Features and labels, (X, y), X of shape (N, I) or (N, height, width) and y of shape (N,) or
(N, L); or those to train on and those for the test, ((X, y), (X_test, y_test))."""

SOURCE = "the given data"
"""What messages call it."""


def from_arrays(data: Arrays, request: Request) -> RawSplits:
    """Take arrays as a file that holds them would be taken.

    Args:
        data: arrays, nested lists, or a frame whose columns have names. Labels are numbers or
            words.
        request: whom to tell of what is not plain.

    Raises:
        DataError: if they are no such pairs, or hold anything but numbers.
    """
    if not _is_pair(data):
        raise DataError(
            "the data must be (X, y), or ((X, y), (X_test, y_test)), or the name of a dataset: "
            f"not {type(data).__name__}"
        )
    if all(map(_is_pair, data)):
        (X, y), (X_test, y_test) = data
        train = _split(X, y, "X", request)
        return {TRAIN: train, TEST: _split(X_test, y_test, "X_test", request, train.columns)}
    X, y = data
    return {WHOLE: _split(X, y, "X", request)}


def are_real(labels: NDArray[Any] | None) -> bool:
    """Whether labels are numbers with fractions, which are to be estimated."""
    if labels is None or labels.dtype.kind != "f" or not labels.size:
        return False
    found = labels[np.isfinite(labels)]
    return bool((found != np.floor(found)).any())


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2


def _split(
    X: Any, y: Any, name: str, request: Request, wanted: tuple[str, ...] | None = None
) -> RawSplit:
    labels = _labels(y)
    names: tuple[str, ...] = ()
    if hasattr(X, "columns"):
        features, names = _of_frame(X, name, request, wanted)
    else:
        features = floats_of(X, name)
    if features.ndim == 1:
        features = features[:, None]
    if len(features) != len(labels):
        raise DataError(
            f"{name} has {len(features):,} rows and there are {len(labels):,} labels: check that "
            "both belong together"
        )
    split = as_split(features, labels, name, request)
    answers = tuple(map(str, getattr(y, "columns", ()))) or _name_of(y)
    if split.features.ndim != 2 or len(names) != split.features.shape[1]:
        names = split.columns or ()
    is_spread = split.labels is not None and split.labels.ndim == 2  # over the columns of a frame
    return replace(
        split,
        columns=names or None,
        answers=answers,
        label_names=answers if is_spread else (),
    )


def _of_frame(
    X: Any, name: str, request: Request, wanted: tuple[str, ...] | None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return what is learnt of a frame's columns, shape (N, F), and the names of these features.

    These are the ``wanted`` ones, where another frame was learnt from.
    """
    if wanted is not None:
        table = table_of(X, name, wanted)
        return values_of(table, named_features(table, table.names or (), wanted)), wanted
    table = table_of(X, name)
    if not table.names:
        raise DataError(f"{name} has no columns: give it some to learn from")
    learnt = learn(table, range(len(table.names)), request.note)
    features = [feature for of in learnt for feature in of]
    return values_of(table, features), tuple(f.name(table.names[f.column]) for f in features)


def _name_of(y: Any) -> tuple[str, ...]:
    """Return the name of a series."""
    name = getattr(y, "name", None)
    return (name,) if isinstance(name, str) else ()


def _labels(y: Any) -> NDArray[Any]:
    try:
        labels = np.asarray(y)
    except (TypeError, ValueError) as error:
        raise DataError(f"the labels do not make one array ({error})") from None
    if labels.dtype.kind == "O":
        words = ["" if is_missing(value) else str(value) for value in labels.flat]
        labels = np.array(words, str).reshape(labels.shape)  # "" is a missing label
    if labels.ndim not in (1, 2):
        raise DataError(f"the labels are of shape {labels.shape}: give one label a row")
    return labels
