"""Labels that are spread over a column for each class, with a 1 in that of the row's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import UsageError
from mlp.data.evidence import FEWEST_ROWS
from mlp.data.raw import RawSplit

FEWEST_EACH = 5
"""And of each class: of many columns of few 1s, as words have, some are disjoint by accident."""


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


def check_alone(
    values: NDArray[Any],
    label: int,
    features: Sequence[int],
    names: Sequence[str] | None,
    source: object,
) -> None:
    """Refuse one column of a one-hot label where the others of it would be features.

    Of few rows, or few of a class, nothing is concluded, and nothing of rows that may be pictures
    of two colours, as one of their pixels may well be the label.

    Args:
        values: of all columns, shape (N, columns); NaN in columns of words.
        label: the number of the label's column.
        features: the numbers of the columns to be learnt from.
        names: of all columns; None where they have none, or may be pixels.
        source: the table, for the message.

    Raises:
        UsageError: naming these columns.
    """
    if len(values) < FEWEST_ROWS or not _are_bits(values[:, label]):
        return
    partners = _partners(values, label, features)
    others = (column for column in features if column not in partners)
    if not partners or (names is None and all(_are_bits(values[:, c]) for c in others)):
        return
    called = {c: names[c] if names else str(c) for c in (label, *partners)}
    group = ",".join(called[c] for c in sorted(called))
    rest = ",".join(called[c] for c in sorted(partners))
    raise UsageError(
        f"the label {called[label]} of {source} is one of several columns of which each row has a "
        f"single 1, so that the others would tell it: name all of them, as --label {group}, or "
        f"leave the others out with --drop {rest}"
    )


def _are_bits(values: NDArray[Any]) -> bool:
    return bool(((values == 0) | (values == 1)).all())


def _partners(values: NDArray[Any], label: int, features: Sequence[int]) -> set[int]:
    """Find columns that have the 1 of each row whose label is 0, one of them; the nearest first."""
    found: set[int] = set()
    free = values[:, label] == 0  # (N,), the rows that no column has yet
    for column in sorted(features, key=lambda column: abs(column - label)):
        own = values[:, column] == 1
        if own.sum() < FEWEST_EACH or (own & ~free).any() or not _are_bits(values[:, column]):
            continue
        found.add(column)
        free &= ~own
        if not free.any():
            return found
    return set()
