"""Frames, as pandas and polars have them, as tables of numbers and words."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.formats.table import Table, narrow
from mlp.data.raw import as_words


def is_frame(value: Any) -> bool:
    """Whether a value has columns with names, which are not just their numbers."""
    names = [str(name) for name in getattr(value, "columns", ())]
    return bool(names) and names != [str(number) for number in range(len(names))]


def is_row(value: Any, features: Collection[str]) -> bool:
    """Whether a value is one row of a frame, a series that has columns' names for its index.

    Args:
        value: anything; a column of a frame, which is called as one of the features, is no row.
        features: as for `table_of`.
    """
    index = getattr(value, "index", None)
    if index is None or callable(index) or not hasattr(value, "to_frame"):
        return False
    known = {*features, *(name.partition("=")[0] for name in features)}
    return (
        all(isinstance(name, str) for name in index) and getattr(value, "name", None) not in known
    )


def table_of(frame: Any, name: str, features: Collection[str] | None = None) -> Table:
    """Take the columns of a frame apart.

    Args:
        frame: anything with ``columns``, each found by its name.
        name: what messages call it.
        features: what a model reads: columns by their names, or words of columns, as
            ``colour=red``. Other columns are not looked at; all are unless given.

    Raises:
        DataError: if two columns have one name, or one holds neither numbers nor words.
    """
    labels = list(frame.columns)
    if len({*labels}) < len(labels):
        raise DataError(f"two columns of {name} have one name: rename one of them")
    if features is not None:
        wanted = {*features, *(name.partition("=")[0] for name in features)}
        labels = [label for label in labels if str(label) in wanted]
    values, words = np.full((len(frame), len(labels)), np.nan), {}
    for place, label in enumerate(labels):
        array = np.asarray(frame[label])
        try:
            values[:, place] = floats_of(array, f"column {label!r} of {name}")
        except DataError:
            if array.dtype.kind not in "OU":
                raise
            words[place] = as_words("" if is_missing(v) else str(v) for v in array.tolist())
    return Table(Path(name), tuple(map(str, labels)), narrow(values), words)


def floats_of(values: Any, name: str) -> NDArray[Any]:
    """Return numbers as an array, in which a missing value is NaN.

    Raises:
        DataError: if they are no numbers, or of another shape than data has.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:  # rows of different lengths, or arrays on a GPU
        raise DataError(f"{name} does not make one array of numbers ({error})") from None
    if array.dtype.kind == "O":
        array = np.array([np.nan if is_missing(v) else v for v in array.flat]).reshape(array.shape)
    if array.dtype.kind not in "biuf" or not 1 <= array.ndim <= 4:
        raise DataError(
            f"{name} is {_told(array)}, and not numbers of shape (count, columns) or (count, "
            "height, width): leave it out, or turn it into numbers"
        )
    return array


def is_missing(value: Any) -> bool:
    """Whether a value stands for a missing one: None, NaN, or pandas's NA."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # of pandas's NA, which is neither true nor false
        return True


def _told(array: NDArray[Any]) -> str:
    if array.dtype.kind in "UO" and array.size:
        return f"words such as {str(array.flat[0])[:20]!r}"
    return f"{array.dtype} of shape {array.shape}"
