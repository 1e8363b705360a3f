"""Several columns that ``--label`` names become one column of their names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError, UsageError
from mlp.data.formats.columns import find_column
from mlp.data.formats.table import Table
from mlp.data.one_hot import first_fault
from mlp.data.reading import Reading


def merge_one_hot(
    table: Table, reading: Reading, *, is_known: bool, first: int = 0
) -> tuple[Table, Reading]:
    """Put one column of words in the place of the columns of a one-hot label, if one is asked for.

    Args:
        table: of any columns.
        reading: the user's choices, whose label may be several names with commas between them.
        is_known: whether the choices are those that a model was trained with: the table need not
            have these columns then, and a row with nothing in them has no label.
        first: how many rows stand before the table's, for messages.

    Returns:
        The table, and the choices as they fit it; both as they are where the label is one column.

    Raises:
        UsageError: if one of several columns is not there, or is named twice.
        DataError: if a row has no 1, or several, or another number there.
    """
    parts = [part.strip() for part in (reading.label or "").split(",")]
    if len(parts) < 2 or any((reading.label or "").lower() == n.lower() for n in table.names or ()):
        return table, reading
    try:
        merged = [find_column(table, part, "label") for part in parts]
    except UsageError:
        if is_known:
            return table, reading
        raise
    if len({*merged}) < len(merged):
        raise UsageError(f"--label {reading.label} names a column twice: name each class once")
    own = _words_of(table, merged, reading, is_known, first)
    place, gone = min(merged), sorted(merged)[1:]
    number = {
        column: column - sum(other < column for other in gone)
        for column in range(table.values.shape[1])
        if column not in gone
    }
    free = {column: new for column, new in number.items() if column != place}
    names = None
    if table.names is not None:
        names = tuple(
            (reading.label or "").strip() if c == place else table.names[c] for c in number
        )
    short = Table(
        table.path,
        names,
        table.values[:, list(number)],
        {number[c]: held for c, held in table.words.items()} | {place: own},
        {number[c]: held for c, held in table.texts.items() if c in number},
    )
    texts = reading.drop.split(",") if reading.drop else []
    dropped = [_renumbered(table, text, free, is_known) for text in texts]
    label = reading.label if names else str(place)
    return short, replace(reading, label=label, drop=",".join(dropped) or None)


def _renumbered(table: Table, text: str, number: dict[int, int], is_known: bool) -> str:
    """Return what a column to be dropped is called in the shorter table."""
    try:
        column = find_column(table, text, "drop")
    except UsageError:
        if is_known:
            return text
        raise
    if column not in number:
        raise UsageError("--label and --drop name the same column: leave one of them away")
    is_name = text.strip().lower() in {name.lower() for name in table.names or ()}
    return text if is_name else str(number[column])


def _words_of(
    table: Table, merged: list[int], reading: Reading, is_known: bool, first: int
) -> NDArray[np.str_]:
    """Name the column that has each row's 1, shape (N,); "" where there is no label.

    Raises:
        DataError: as `merge_one_hot`.
    """
    values = table.values[:, merged]  # (N, C)
    nothing = np.zeros(len(values), bool)
    if is_known:
        nothing = ((values == 0) | np.isnan(values)).all(axis=1)
    words = [column for column in merged if column in table.words]
    row = 0 if words else first_fault(np.where(nothing[:, None], np.eye(1, len(merged)), values))
    if row is not None:
        raise DataError(
            f"--label {reading.label} names the columns of a one-hot label, of which each row has "
            f"a single 1 and else 0, but row {first + row + 1:,} of {table.path} has not: correct "
            "it, or name one column"
        )
    titles = [table.names[c] if table.names else str(place) for place, c in enumerate(merged)]
    own: NDArray[np.str_] = np.where(nothing, "", np.array(titles)[(values == 1).argmax(axis=1)])
    return own
