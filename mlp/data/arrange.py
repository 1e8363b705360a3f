"""The columns of new rows, put into the order of those that a model was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.choices import did_you_mean
from mlp.common.errors import DataError
from mlp.data.inputs import Columns
from mlp.data.raw import RawSplit


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
    if features.shape[1] == len(inputs.names) and _are_numbered(inputs.names):
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
            told = f"{', '.join(names[:8])}{', …' if names[8:] else ''}"
            raise DataError(
                f"{source} has no column {name!r}{did_you_mean(name, names)}, which the model "
                f"reads: it has {told}"
            )
    return np.column_stack(columns)


def _are_numbered(names: tuple[str, ...]) -> bool:
    """Whether columns had no names in the file that a model was trained on."""
    return all(name == f"column {i + 1}" for i, name in enumerate(names))
