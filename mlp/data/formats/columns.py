"""Which column of a table is the label, which number its rows, and which are features."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from mlp.common.choices import did_you_mean
from mlp.common.errors import DataError, UsageError
from mlp.data.arrange import listed
from mlp.data.formats.categories import Feature, is_truth, learn, values_of
from mlp.data.formats.label_looks import check_alone_in_looks, label_without_header, name_rows
from mlp.data.formats.table import Table
from mlp.data.one_hot import check_alone
from mlp.data.raw import RawSplit
from mlp.data.reading import Reading

LABEL_NAMES = ("label", "labels", "class", "target", "digit", "category", "y")
"""What the label's column may be called in a header, in any case."""

ID_NAMES = ("", "unnamed: 0", "id", "index", "imageid", "image_id", "row_id", "rowid")
"""What a column that numbers the rows may be called, in lower case."""

_PIXEL = re.compile(r"(?:pixel|px|p|image)?[_ ]?(\d{1,6})(?:[x_](\d{1,6}))?", re.IGNORECASE)

Note = Callable[[str], None]


def as_raw(tables: Sequence[Table], reading: Reading, note: Note) -> list[RawSplit]:
    """Divide tables into features and labels, all as the first.

    Args:
        tables: the training table first; another may lack the label's column.
        reading: the label's column, and columns to be left out, where the user names them.
        note: called with a sentence about each choice that the user might make otherwise.

    Raises:
        UsageError: if a column is named that there is not, or one of several that are the label.
        DataError: if the label cannot be told from the features, or a feature holds words.
    """
    first = tables[0]
    dropped = _dropped(first, reading, note)
    label = _label(first, reading, dropped, note)
    ours = [c for c in range(first.values.shape[1]) if c not in dropped and c != label]
    if first.names and (order := pixel_order([first.names[c] for c in ours])) is not None:
        ours = [ours[i] for i in order]
    if not ours:
        raise DataError(f"{first.path} has no columns beside the label: get it again")
    if label is not None:
        pixels = first.names is None or any(map(_PIXEL.fullmatch, first.names))
        check_alone(first.values, label, ours, None if pixels else first.names, first.path)
    learnt = learn(first, ours, note)
    return [_split(table, first, label, ours, learnt) for table in tables]


def find_column(table: Table, text: str, option: str) -> int:
    """Find a column by its name, or by its number from 0, negative from the end.

    Raises:
        UsageError: if there is none.
    """
    text = text.strip()
    names = [name.lower() for name in table.names or ()]
    if text.lower() in names:
        return names.index(text.lower())
    count = len(table.values[0])
    if re.fullmatch(r"-?\d{1,9}", text) and -count <= int(text) < count:
        return int(text) % count
    near = did_you_mean(text, names)
    known = f"its columns are {listed(table.names)}" if table.names else "it has no header"
    raise UsageError(
        f"there is no column {text!r} in {table.path}{near}: {known}, so --{option} takes a name "
        f"or a number from 0 to {count - 1}, or from -1 to {-count} counted from the end"
    )


def _dropped(table: Table, reading: Reading, note: Note) -> set[int]:
    """Find the columns to leave out: those that the user names, and those that number the rows."""
    named = reading.drop.split(",") if reading.drop else []
    dropped = {find_column(table, text, "drop") for text in named}
    for column, name in enumerate(table.names or ()):
        if column in dropped or name.lower() not in ID_NAMES:
            continue
        values = table.column(column)
        if len(set(values)) < len(values):
            continue
        dropped.add(column)
        note(f"{table.path}: {table.title(column)} numbers the rows, and is left out")
    return dropped


def _label(table: Table, reading: Reading, dropped: set[int], note: Note) -> int | None:
    """Find the label's column; None where the table has none."""
    if reading.label is not None:
        column = find_column(table, reading.label, "label")
        if column in dropped and table.names and table.names[column].lower() in ID_NAMES:
            dropped.discard(column)
        if column in dropped:
            raise UsageError("--label and --drop name the same column: leave one of them away")
        return column
    words = [c for c in table.words if c not in dropped and not is_truth(table, c)]
    words = words or [column for column in table.words if column not in dropped]
    words = [column for column in words if not name_rows(table.column(column))]
    if table.names is None:
        return label_without_header(table, dropped, words, note)
    found = [
        column
        for column, name in enumerate(table.names)
        if name.lower() in LABEL_NAMES and column not in dropped
    ]
    if len(found) > 1:
        raise DataError(
            f"{table.path} has {len(found)} columns that may be the label, "
            f"{' and '.join(table.title(column) for column in found)}: name one with --label"
        )
    if not found and len(words) == 1:
        pixels = {c for c, name in enumerate(table.names) if _PIXEL.fullmatch(name)}
        check_alone_in_looks(table, words[0], dropped | pixels)
        note(f"{table.path}: {table.title(words[0])} holds words, and is taken for the label")
        return words[0]
    if not found and len(words) > 1:
        raise DataError(
            f"{table.path} has {len(words)} columns of words, any of which may be the label, "
            f"{listed([table.names[column] for column in words])}: name it with --label"
        )
    return found[0] if found else None


def _split(
    table: Table,
    first: Table,
    label: int | None,
    ours: Sequence[int],
    learnt: Sequence[Sequence[Feature]],
) -> RawSplit:
    """Divide one table as the first was, of whose columns this is learnt.

    The label may be missing in it.
    """
    columns = _align(table, first, label)
    kept = [columns[c] for c in ours]
    if -1 in kept:
        lost = first.title(ours[kept.index(-1)])
        raise DataError(
            f"{table.path} lacks {lost} of {first.path}: add it, or leave it out with --drop"
        )
    own = None if label is None or columns[label] < 0 else columns[label]
    labels = None if own is None else table.column(own)
    features = values_of(
        table,
        [Feature(place, f.word) for place, of in zip(kept, learnt, strict=True) for f in of],
    )
    names = _names(first, ours, learnt)
    answers = () if table.names is None or own is None else (table.names[own],)
    last = re.fullmatch(r"(\d{1,6})x(\d{1,6})", names[-1]) if names else None
    if last is None:
        return RawSplit(features, labels, names, answers=answers, source=str(table.path))
    height, width = int(last[1]), int(last[2])
    if height * width != features.shape[1]:
        raise DataError(
            f"{table.path} has {features.shape[1]:,} pixels, which are not {height} x {width} as "
            "its header says: columns are missing, or it is another kind of table"
        )
    return RawSplit(features.reshape(-1, height, width), labels)


def _names(
    table: Table, columns: Sequence[int], learnt: Sequence[Sequence[Feature]]
) -> tuple[str, ...] | None:
    """Name the features of columns; None where these have no names and hold numbers alone."""
    if table.names is not None:
        called = [table.names[column] for column in columns]
    elif any(feature.word is not None for of in learnt for feature in of):
        called = [f"column {place + 1}" for place in range(len(columns))]
    else:
        return None
    names = [f.name(name) for name, of in zip(called, learnt, strict=True) for f in of]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{table.path} has two columns called {twice!r}: rename one of them")
    return tuple(names)


def _align(table: Table, first: Table, label: int | None) -> list[int]:
    """Return the number that each column of the first table has in another; -1 for a lost label.

    Raises:
        DataError: if another column is missing or one is too many.
    """
    count, own = first.values.shape[1], table.values.shape[1]
    if table is first:
        return list(range(count))
    if first.names and table.names and set(table.names) != set(first.names):
        answer = None if label is None else first.names[label]
        lost = [name for name in first.names if name not in table.names and name != answer]
        extra = [name for name in table.names if name not in first.names]
        others = [name for name in (*lost, *extra) if name.lower() not in ID_NAMES]
        if others:
            raise DataError(
                f"{listed(others)} is a column of {table.path} or of {first.path} alone: bring "
                "both into one form"
            )
    if first.names and table.names:
        if len(set(first.names)) == count:  # by name, whatever their order
            places = {name: column for column, name in enumerate(table.names)}
            return [places.get(name, -1) for name in first.names]
        if table.names == first.names:
            return list(range(count))
    if own == count:
        return list(range(count))
    if label is not None and own == count - 1:
        return [-1 if c == label else c - (c > label) for c in range(count)]
    raise DataError(
        f"{table.path} has {own:,} columns where {first.path} has {count:,}: they do not belong "
        "together"
    )


def pixel_order(names: Sequence[str]) -> list[int] | None:
    """Return the order of pixels by the numbers in their names; None where they have it, or none.

    They are numbered, as ``pixel0``, or have a row and a column, as ``1x1``.
    """
    parts = [_PIXEL.fullmatch(name) for name in names]
    numbers = [(int(part[1]), int(part[2] or -1)) for part in parts if part]
    if len({*numbers}) < len(names) or numbers == sorted(numbers):
        return None
    return sorted(range(len(names)), key=numbers.__getitem__)
