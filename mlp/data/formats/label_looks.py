"""Which column of a table looks like labels, where none is called so."""

from __future__ import annotations

from collections.abc import Callable, Set

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.evidence import FEWEST_ROWS
from mlp.data.formats.table import Table
from mlp.data.likely_label import could_be_labels, is_contiguous
from mlp.data.targets import are_rows_own

_FEW = 3
"""A column of no more whole numbers, which count from 0 or 1, is hardly a measurement."""

Note = Callable[[str], None]


def name_rows(words: NDArray[np.generic]) -> bool:
    """Whether words are names of the rows, as of people, rather than of classes."""
    return are_rows_own(len(np.unique(words)), len(words))


def check_alone_in_looks(table: Table, words: int, passed: Set[int]) -> None:
    """Refuse to take words for the label where numbers at an end of the table may be it as well.

    So it is of passengers, with their sex and whether they survived. Words in the last column,
    where labels are usual, are taken all the same, and so are they where all numbers are few.

    Args:
        table: one without a column that is called a label.
        words: its only column of words.
        passed: columns that are no label.

    Raises:
        DataError: if there is such a column.
    """
    count = table.values.shape[1]
    others = [c for c in range(count) if c not in passed and c not in table.words]
    if words == count - 1 or len(table.values) < FEWEST_ROWS:
        return
    ends = [column for column in (0, count - 1) if column in others]
    rivals = [column for column in ends if _is_few(table.column(column))]
    if not rivals or all(_is_few(table.column(column)) for column in others):
        return
    rival = rivals[-1]
    choices = [table.names[c] if table.names else str(c) for c in (rival, words)]
    raise DataError(
        f"the label of {table.path} may be {table.title(words)}, which holds words, or "
        f"{table.title(rival)}, which holds few whole numbers: say --label {choices[0]} or "
        f"--label {choices[1]}"
    )


def label_without_header(
    table: Table, dropped: set[int], words: list[int], note: Note
) -> int | None:
    """Take the first column or the last, whichever holds labels by its looks."""
    count = table.values.shape[1]
    kept = [column for column in range(count) if column not in dropped]
    if len(words) > 1:
        raise DataError(
            f"{table.path} has no header and {len(words)} columns of words, any of which may be "
            f"the label: say --label {kept[0]} for the first, or --label {kept[-1] - count} for "
            "the last"
        )
    if len(words) == 1:
        chosen = words[0]
        check_alone_in_looks(table, chosen, dropped)
    else:
        ends = (kept[0], kept[-1])
        able = [column for column in ends if could_be_labels(table.column(column))]
        if len(able) == 2 and len(table.values) >= FEWEST_ROWS:
            able = [column for column in able if is_contiguous(table.column(column))]
        if len(able) != 1 and len(table.values) >= FEWEST_ROWS:
            look = "both" if able else "neither"
            raise DataError(
                f"{table.path} has no header, and its first and its last column look {look} like "
                f"labels: say --label {kept[0]} for the first or --label {kept[-1] - count} for "
                "the last"
            )
        chosen = able[0] if able else kept[0]
    first = f"--label {kept[0]} takes the first"
    other = f"--label {kept[-1] - count} takes the last" if chosen == kept[0] else first
    note(f"{table.path} has no header: {table.title(chosen)} is taken for the label ({other})")
    return chosen


def _is_few(values: NDArray[np.generic]) -> bool:
    """Whether all of few whole numbers from 0 or 1 occur, and nothing else."""
    return could_be_labels(values) and len(np.unique(values)) <= _FEW and is_contiguous(values)
