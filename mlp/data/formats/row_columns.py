"""What the columns of a table of new rows are: read by the model, its label, passed through."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from mlp.common.choices import did_you_mean
from mlp.common.errors import DataError, UsageError
from mlp.data.arrange import NUMBERED, are_numbered, listed, told_order
from mlp.data.formats.categories import Feature, words_of
from mlp.data.formats.columns import (
    ID_NAMES,
    LABEL_NAMES,
    Note,
    as_raw,
    find_column,
    pixel_order,
)
from mlp.data.formats.label_looks import label_without_header
from mlp.data.formats.layout import Layout, passed_columns
from mlp.data.formats.one_hot_columns import merge_one_hot
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.table import Table
from mlp.data.inputs import Columns, Pixels
from mlp.data.raw import MISSING, RawSplit
from mlp.data.reading import Reading

MOST_MARKS = 100
"""Signs = in the name of a feature, each of which may stand between a column and its word."""


def raw_of(tables: Sequence[Table], request: Request) -> list[RawSplit]:
    """Divide tables into features and labels: as there is to learn, or as a model has learnt.

    Args:
        tables: the training table first.
        request: the user's choices, and what a model reads, if it is for one.

    Raises:
        DataError, UsageError: as `as_raw` and `find_layout`.
    """
    if request.known is None:
        train, reading = merge_one_hot(tables[0], request.reading, is_known=False)
        others = [
            merge_one_hot(table, request.reading, is_known=True)[0]
            if table.names or table.values.shape[1] == tables[0].values.shape[1]
            else table  # without a header, and so without these columns
            for table in tables[1:]
        ]
        return as_raw([train, *others], reading, request.note)
    found = []
    for table in tables:
        short, reading = merge_for(table, request.reading, request.known)
        layout = find_layout(short, reading, request.known, request.note)
        found.append(replace(layout.apply(short, 0).raw, source=str(table.path)))
    return found


def rows_of(table: Table, request: Request, asked: Asked) -> Iterator[Rows]:
    """Take a whole table apart; see `find_layout`.

    Yields:
        All of its rows at once.
    """
    passed = passed_columns(table.names, asked)
    texts = {c: table.texts.get(c) or words_of(table, c).tolist() for c in passed.values()}
    table, reading = merge_for(replace(table, texts=texts), request.reading, asked)
    yield find_layout(table, reading, asked, request.note).apply(table, 0)


def merge_for(
    table: Table, reading: Reading, asked: Asked, first: int = 0
) -> tuple[Table, Reading]:
    """Put one column in the place of those of a one-hot label, where a table for a model has them.

    Args:
        table: the table, or a block of it.
        reading: how the table that the model was trained on was read.
        asked: what is wanted.
        first: how many rows stand before the block.

    Returns:
        The table, and the choices as they fit it.

    Raises:
        DataError: as `merge_one_hot`.
    """
    if table.names is None:  # where numbers may be those of other columns
        others = [len(names.split(",")) for names in (reading.label, reading.drop) if names]
        if table.values.shape[1] != _sources(asked) + sum(others):
            return table, reading
    return merge_one_hot(table, reading, is_known=True, first=first)


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
    if table.names and wanted and not are_numbered(wanted):
        features = named_features(table, table.names, wanted)
        read = {feature.column for feature in features}
        others = [c for c in range(len(table.names)) if c not in read]
        label = _label_among(table, others, reading, asked)
        unread = [c for c in others if c != label and table.names[c].lower() not in ID_NAMES]
        if unread:
            told = listed([table.names[c] for c in unread])
            note(f"{table.path}: the model does not read {told}")
    elif table.names:
        features, label = _all_but_label(table, table.names, reading, asked, note)
    else:
        features, label = _without_header(table, reading, asked, note)
    if isinstance(asked.inputs, Columns):
        given = [table.names[f.column] for f in features] if table.names else None
        if order := told_order(table.path, given, asked.inputs):
            note(order)
    passed = passed_columns(table.names, asked)
    return Layout(features, label, {name: c for name, c in passed.items() if c != label})


def named_features(table: Table, names: tuple[str, ...], wanted: tuple[str, ...]) -> list[Feature]:
    """Find what a model reads in a table whose columns have names.

    Args:
        table: the table.
        names: those of its columns.
        wanted: the features, by their names.

    Raises:
        DataError: if a column is missing, or there twice.
    """
    found, counts = [], Counter(names)
    places = {name: column for column, name in enumerate(names)}
    for full in wanted:
        name, word = full, None
        if full not in places and "=" in full:  # a column of words, or one that is not there
            cuts = [mark.start() for mark in islice(re.finditer("=", full), MOST_MARKS)]
            cut = next((cut for cut in cuts if full[:cut] in places), cuts[-1])
            name, word = full[:cut], full[cut + 1 :]
        if counts[name] != 1:
            what = "no column" if name not in places else f"{counts[name]} columns"
            raise DataError(
                f"{table.path} has {what} {name!r}{did_you_mean(name, names)}, which the model "
                f"reads once: give the columns {listed(wanted)}"
            )
        found.append(Feature(places[name], word))
    return found


def _label_among(table: Table, others: list[int], reading: Reading, asked: Asked) -> int | None:
    """Find the label among columns that are no features, by its name or by its words."""
    names = table.names or ()
    if (column := _told_label(table, reading)) in others:
        return column
    for column in others:
        if names[column].lower() in LABEL_NAMES or (asked.answer and names[column] == asked.answer):
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


def _dropped(table: Table, reading: Reading) -> set[int]:
    """Return the columns that were left out of the training table, which had no header either."""
    named = reading.drop.split(",") if reading.drop else []
    try:
        return {find_column(table, text, "drop") for text in named}
    except UsageError:
        return set()


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
) -> tuple[list[Feature], int | None]:
    dropped = {name.strip().lower() for name in (reading.drop or "").split(",") if name.strip()}
    others = [
        column
        for column, name in enumerate(names)
        if name.lower() in dropped
        or (name.lower() in ID_NAMES and len(set(table.column(column))) == len(table.values))
    ]
    kept = [column for column in range(len(names)) if column not in others]
    label = None
    if len(kept) != _sources(asked) or any(names[column].lower() in LABEL_NAMES for column in kept):
        label = _label_among(table, kept, reading, asked)
        kept = [column for column in kept if column != label]
    _check_count(table, len(kept), asked)
    for column in others:
        note(f"{table.path}: {table.title(column)} is not read by the model")
    order = pixel_order([names[column] for column in kept])
    if order is not None and isinstance(asked.inputs, Pixels):
        note(f"{table.path}: its pixels are read in the order of their numbers")
        kept = [kept[i] for i in order]
    return _numbered(kept, asked), label


def _without_header(
    table: Table, reading: Reading, asked: Asked, note: Note
) -> tuple[list[Feature], int | None]:
    count = table.values.shape[1]
    label, dropped = None, _dropped(table, reading)
    if count == _sources(asked) + 1 + len(dropped):  # as the table that the model was trained on
        label = _told_label(table, reading)
        if label is None:
            label = label_without_header(table, dropped, list(table.words), note)
    if label is None:
        dropped = set()
    kept = [column for column in range(count) if column != label and column not in dropped]
    _check_count(table, len(kept), asked)
    return _numbered(kept, asked), label


def _sources(asked: Asked) -> int:
    """Return how many columns the model reads, of which those of words are several features."""
    return max((feature.column for feature in _by_place(asked)), default=asked.width - 1) + 1


def _numbered(columns: list[int], asked: Asked) -> list[Feature]:
    """Return what the model reads of columns that are known by their places alone."""
    found = _by_place(asked) or [Feature(place) for place in range(len(columns))]
    return [Feature(columns[feature.column], feature.word) for feature in found]


def _by_place(asked: Asked) -> list[Feature]:
    """Return what the model reads, by the places of its columns from 0; nothing for pixels."""
    names = asked.inputs.names if isinstance(asked.inputs, Columns) else ()
    parts = [NUMBERED.fullmatch(name) for name in names]
    if all(parts):
        return [Feature(int(part[1]) - 1, part[2]) for part in parts if part]
    columns: dict[str, int] = {}
    found = []
    for name in names:
        column, mark, word = name.partition("=")
        found.append(Feature(columns.setdefault(column, len(columns)), word if mark else None))
    return found


def _check_count(table: Table, count: int, asked: Asked) -> None:
    if count != _sources(asked):
        raise DataError(
            f"{table.path} has {count:,} columns beside any label and number of the row, where the "
            f"model reads {_sources(asked):,}: give rows of the kind that it was trained on"
        )
