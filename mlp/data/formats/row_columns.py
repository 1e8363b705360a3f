"""What the columns of a table of new rows are: read by the model, its label, passed through."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.choices import did_you_mean
from mlp.common.errors import DataError, UsageError
from mlp.data.formats.columns import (
    ID_NAMES,
    LABEL_NAMES,
    Note,
    find_column,
    label_without_header,
    listed,
    pixel_order,
)
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.table import Table
from mlp.data.inputs import Columns, Pixels
from mlp.data.raw import MISSING, RawSplit
from mlp.data.reading import Reading


def passed_columns(names: tuple[str, ...] | None, asked: Asked) -> dict[str, int]:
    """Find the columns to be passed through by their names, in any case if none fits exactly."""
    found = {}
    lower = [name.lower() for name in names or ()]
    for name in asked.names:
        if names and name in names:
            found[name] = names.index(name)
        elif name.lower() in lower:
            found[name] = lower.index(name.lower())
    return found


@dataclass(frozen=True)
class Layout:
    """What each column of a table is.

    Attributes:
        features: the columns that the model reads, in its order.
        label: the label's column; None where there is none.
        passed: the columns to pass through, by the name asked for.
    """

    features: list[int]
    label: int | None
    passed: dict[str, int]

    def apply(self, table: Table, first: int) -> Rows:
        """Take a block of the table apart.

        Args:
            table: the block.
            first: how many rows stand before it.

        Raises:
            DataError: if the model is to read words.
        """
        for column in self.features:
            if column in table.words:
                raise DataError(
                    f"{table.title(column)} of {table.path} holds words such as "
                    f"{str(table.words[column][0])[:20]!r}, which the model does not read: get "
                    "the file again"
                )
        features, names = self._features(table.values), None
        if table.names is not None:
            names = tuple(table.names[column] for column in self.features)
        last = re.fullmatch(r"(\d{1,6})x(\d{1,6})", names[-1]) if names else None
        if last is not None and int(last[1]) * int(last[2]) == features.shape[1]:
            features, names = features.reshape(-1, int(last[1]), int(last[2])), None
        labels = None if self.label is None else table.column(self.label)
        return Rows(
            RawSplit(features, labels, names),
            np.arange(first + 1, first + len(features) + 1),
            {name: table.texts[column] for name, column in self.passed.items()},
        )

    def _features(self, values: NDArray[Any]) -> NDArray[Any]:
        start, stop = self.features[0], self.features[-1] + 1
        if self.features == list(range(start, stop)):
            return values[:, start:stop]  # a view
        return values[:, self.features]


def find_layout(table: Table, reading: Reading, asked: Asked, note: Note) -> Layout:
    """Find out what the columns of a table are.

    Args:
        table: its first block.
        reading: how the table that the model was trained on was read.
        asked: what is wanted.
        note: called with a sentence about what is not plain.

    Raises:
        DataError: if a column is missing that the model reads, or one is too many.
    """
    wanted = asked.inputs.names if isinstance(asked.inputs, Columns) else ()
    if table.names and wanted and not all(re.fullmatch(r"column \d+", name) for name in wanted):
        features = _named(table, table.names, wanted)
        others = [c for c in range(len(table.names)) if c not in features]
        label = _label_among(table, others, reading, asked)
        unread = [c for c in others if c != label and table.names[c].lower() not in ID_NAMES]
        if unread:
            told = listed([table.names[c] for c in unread])
            note(f"{table.path}: the model does not read {told}")
    elif table.names:
        features, label = _all_but_label(table, table.names, reading, asked, note)
    else:
        features, label = _without_header(table, reading, asked, note)
    passed = passed_columns(table.names, asked)
    return Layout(features, label, {name: c for name, c in passed.items() if c != label})


def _named(table: Table, names: tuple[str, ...], wanted: tuple[str, ...]) -> list[int]:
    for name in wanted:
        if names.count(name) != 1:
            what = "no column" if name not in names else f"{names.count(name)} columns"
            raise DataError(
                f"{table.path} has {what} {name!r}{did_you_mean(name, names)}, which the model "
                f"reads once: give the columns {listed(wanted)}"
            )
    return [names.index(name) for name in wanted]


def _label_among(table: Table, others: list[int], reading: Reading, asked: Asked) -> int | None:
    """Find the label among columns that are no features, by its name or by its words."""
    names = table.names or ()
    if (column := _told_label(table, reading)) in others:
        return column
    for column in others:
        if names[column].lower() in LABEL_NAMES:
            return column
    known = {*asked.classes}
    for column in others:
        words = table.words.get(column)
        if words is None:
            continue
        found = {str(word) for word in words.tolist() if str(word).lower() not in MISSING}
        if found and found <= known:
            return column
    return None


def _told_label(table: Table, reading: Reading) -> int | None:
    """Return the column that the training table's label had, by its name or number."""
    if reading.label is None:
        return None
    try:
        return find_column(table, reading.label, "label")
    except UsageError:  # rows to be answered need no label
        return None


def _all_but_label(
    table: Table, names: tuple[str, ...], reading: Reading, asked: Asked, note: Note
) -> tuple[list[int], int | None]:
    dropped = {name.strip().lower() for name in (reading.drop or "").split(",") if name.strip()}
    others = [
        column
        for column, name in enumerate(names)
        if name.lower() in dropped
        or (name.lower() in ID_NAMES and len(set(table.column(column))) == len(table.values))
    ]
    kept = [column for column in range(len(names)) if column not in others]
    label = None
    if len(kept) != asked.width or any(names[column].lower() in LABEL_NAMES for column in kept):
        label = _label_among(table, kept, reading, asked)
        kept = [column for column in kept if column != label]
    _check_count(table, len(kept), asked)
    for column in others:
        note(f"{table.path}: {table.title(column)} is not read by the model")
    order = pixel_order([names[column] for column in kept])
    if order is not None and isinstance(asked.inputs, Pixels):
        note(f"{table.path}: its pixels are read in the order of their numbers")
        kept = [kept[i] for i in order]
    return kept, label


def _without_header(
    table: Table, reading: Reading, asked: Asked, note: Note
) -> tuple[list[int], int | None]:
    count = table.values.shape[1]
    label = None
    if count == asked.width + 1:
        label = _told_label(table, reading)
        if label is None:
            label = label_without_header(table, set(), list(table.words), note)
    kept = [column for column in range(count) if column != label]
    _check_count(table, len(kept), asked)
    return kept, label


def _check_count(table: Table, count: int, asked: Asked) -> None:
    if count != asked.width:
        raise DataError(
            f"{table.path} has {count:,} columns beside any label and number of the row, where the "
            f"model reads {asked.width:,}: give rows of the kind that it was trained on"
        )
