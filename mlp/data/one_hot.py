"""Labels that are spread over a column for each class, with a 1 in that of the row's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.data.raw import RawSplit


def first_fault(values: NDArray[Any]) -> int | None:
    """Return the first row that is no one-hot label, from 0; None where all are.

    Args:
        values: of the columns, shape (N, C).
    """
    is_bit = ((values == 0) | (values == 1)).all(axis=1)
    sound = is_bit & (np.where(values == 1, 1, 0).sum(axis=1) == 1)
    return None if sound.all() else int((~sound).argmax())


def one_hot_names(raw: RawSplit) -> tuple[str, ...]:
    """Name the columns, at the end or the beginning of a table, that are one-hot labels together.

    Returns:
        Two names or more; none where there are no such columns.
    """
    names = raw.columns or ()
    if raw.features.ndim != 2 or not len(raw):
        return ()
    for columns in (range(len(names) - 1, -1, -1), range(len(names))):
        total = np.zeros(len(raw), np.int64)
        for count, column in enumerate(columns, 1):
            values = raw.features[:, column]
            if not ((values == 0) | (values == 1)).all():
                break
            total += values == 1
            if total.max() > 1:
                break
            if count > 1 and total.min() == 1:
                found = sorted(columns[:count])
                return tuple(names[c] for c in found)
    return ()
