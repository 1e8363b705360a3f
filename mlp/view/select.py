"""Select the images of a split to show: those with a label, from a given number on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import UsageError
from mlp.data.load import Split


def labelled(split: Split, digit: int | None, classes: int) -> NDArray[np.bool_]:
    """Return which images have a label, or have it among several, shape (N,); all for None.

    Raises:
        UsageError: if there is no such label, or no image has it.
    """
    if digit is None:
        return np.ones(len(split), dtype=bool)
    if not 0 <= digit < classes:
        raise UsageError(f"--digit {digit}: the labels are 0 to {classes - 1}, so take one of them")
    labels = split.labels
    wanted: NDArray[np.bool_] = labels == digit if labels.ndim == 1 else labels[:, digit] == 1
    if not wanted.any():
        raise UsageError(f"--digit {digit}: none of the {len(split):,} images has this label")
    return wanted


def rows_from(wanted: NDArray[np.bool_], index: int) -> NDArray[np.int64]:
    """Return the indices, from ``index`` on, of the images for which ``wanted``, shape (N,), holds.

    Raises:
        UsageError: if there is no image of this number, or none that is wanted from there on.
    """
    if not 0 <= index < len(wanted):
        raise UsageError(
            f"--index {index}: the images are numbered 0 to {len(wanted) - 1}, so take one of them"
        )
    rows: NDArray[np.int64] = index + np.flatnonzero(wanted[index:])
    if not len(rows):
        raise UsageError(
            f"--index {index}: no image of this digit comes after it, so begin earlier"
        )
    return rows
