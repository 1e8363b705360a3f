"""Which column of numbers may be labels, by its values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp.data.evidence import FEWEST_ROWS
from mlp.data.raw import RawSplit


def likely_label(raw: RawSplit) -> str:
    """Name the column that is advised as the label where a table has none.

    Args:
        raw: rows of one axis whose columns have names.

    Returns:
        The last column; the first where it looks like labels, as before pixels, and the last not.
    """
    assert raw.columns is not None
    last, first = (
        could_be_labels(values) and is_contiguous(values)
        for values in (raw.features[:, place] for place in (-1, 0))
    )
    return raw.columns[0 if first and not last else -1]


def could_be_labels(values: NDArray[np.generic]) -> bool:
    """Whether numbers are whole, of two kinds or more, and some occur again."""
    if values.dtype.kind not in "iuf" or not np.isfinite(values.astype(float)).all():
        return False
    kinds = np.unique(values)
    whole = bool((kinds >= 0).all() and (kinds == np.floor(kinds.astype(float))).all())
    few = len(values) < FEWEST_ROWS or len(kinds) <= len(values) // 2
    return whole and few and (len(kinds) > 1 or len(values) == 1)


def is_contiguous(values: NDArray[np.generic]) -> bool:
    """Whether all numbers from 0 or 1 up to the greatest occur, and none of them mostly."""
    kinds, counts = np.unique(values, return_counts=True)
    numbers = kinds.astype(np.int64)
    return bool(
        numbers[0] in (0, 1)
        and numbers[-1] - numbers[0] + 1 == len(numbers)
        and (len(numbers) < 4 or counts.max() <= len(values) / 2)
    )
