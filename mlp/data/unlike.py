"""Whether columns of new rows look like those that a model has learnt from.

Rows in another order of columns, in other units, or standardised already are numbers as any, and
are answered; only their distance from what was learnt shows it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.data.evidence import FEWEST_ROWS
from mlp.data.inputs import Columns

_MOST = 10_000  # rows that are looked at
_FAR = 20.0  # deviations from the mean that half of a column's values lie beyond
_NEAR_0, _NEAR_1 = (
    0.5,
    2.0,
)  # what columns are that are standardised: |mean|, and deviation or 1 / it


def told_unlike(features: NDArray[Any], known: Columns, source: str) -> str | None:
    """Tell that rows are unlike those that a model was trained on.

    Columns that did not vary in training, and those of words, decide nothing.

    Args:
        features: shape (N, I), in the units and the order of the model's columns; NaN is missing.
        known: what the model reads.
        source: where the rows are, for the message.

    Returns:
        A sentence that names the first such column; None where nothing is strange.
    """
    if len(features) < FEWEST_ROWS or features.shape[1:] != (len(known.names),):
        return None
    values = features[:_MOST].astype(np.float64)  # (n, I)
    values[np.isinf(values)] = np.nan  # which is refused elsewhere
    measures = zip(known.names, known.deviation, strict=True)
    varied = np.array([deviation != 1.0 and "=" not in name for name, deviation in measures])
    looked = np.flatnonzero(varied & ((~np.isnan(values)).sum(axis=0) >= FEWEST_ROWS))
    if not len(looked):
        return None
    names, values = [known.names[column] for column in looked], values[:, looked]
    mean, deviation = np.array(known.mean)[looked], np.array(known.deviation)[looked]
    far = np.nanmedian(np.abs(values - mean) / deviation, axis=0) > _FAR
    if far.any():
        column = int(far.argmax())
        return (
            f"{names[column]} of {source} is mostly around {np.nanmedian(values[:, column]):.3g}, "
            f"where the model learnt from {mean[column]:.3g} ± {deviation[column]:.2g}: check the "
            "order and the units of the columns"
        )
    own_mean, own_deviation = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    strange = ~_are_standardised(mean, deviation)
    if not strange.any() or not _are_standardised(own_mean, own_deviation).all():
        return None
    column = int(strange.argmax())
    return (
        f"{names[column]} of {source} is {own_mean[column]:.1f} ± {own_deviation[column]:.2g}, "
        f"where the model learnt from {mean[column]:.3g} ± {deviation[column]:.2g}: all columns "
        "look as standardised ones do, so give them in their own units"
    )


def _are_standardised(mean: NDArray[Any], deviation: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether columns have a mean near 0 and a deviation near 1; shape (I,)."""
    near: NDArray[np.bool_] = (np.abs(mean) <= _NEAR_0) & (
        np.abs(np.log(np.maximum(deviation, 1e-300))) <= np.log(_NEAR_1)
    )
    return near
