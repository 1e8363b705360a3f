"""Columns of words as features: a column of 0 and 1 for each word, and one for true and false."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.formats.table import Table
from mlp.data.formats.text_fields import is_number
from mlp.data.raw import MISSING, as_words
from mlp.data.targets import are_rows_own

MOST = 50
"""A column of more words than this is a text, a name or a date, and no category."""

MOST_VALUES = 1 << 24
"""Where the words of a table become more, each cell becomes `MOST_OF_CELL` at most: a small file of
words in thousands of columns would fill the memory."""

MOST_OF_CELL = 32

_TRUTHS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Feature:
    """One of the values that a network reads of each row.

    Attributes:
        column: the column of the table that it is taken from.
        word: the value is 1 where the column holds this word, and else 0; None where it is the
            column's number, which of true and false is 1 and 0.
    """

    column: int
    word: str | None = None

    def name(self, column: str) -> str:
        """Return its name, where the column is called this."""
        return column if self.word is None else f"{column}={self.word}"


def features_of(table: Table, column: int) -> list[Feature]:
    """Find what a network learns from a column.

    Raises:
        DataError: if it holds more than `MOST` words, or a few among numbers.
    """
    if column not in table.words or is_truth(table, column):
        return [Feature(column)]
    words = np.unique(words_of(table, column))
    kinds = [str(word) for word in words.tolist() if word.lower() not in MISSING]
    strange = [kind for kind in kinds if not any(is_number(kind, mark) for mark in ",;")]
    if not strange:  # numbers that are written as words
        return [Feature(column)]
    if 2 * len(strange) <= len(kinds):  # a number that is damaged, rather than a category
        raise DataError(
            f"{table.title(column)} of {table.path} holds {strange[0][:20]!r} among numbers: "
            "correct it, leave the column out with --drop, or take it for the label with --label"
        )
    if len(kinds) > MOST:
        own = are_rows_own(len(kinds), len(table.values))
        if own:
            others = "or leave it out with --drop"
        else:
            others = "leave it out with --drop, or take it for the label with --label"
        raise DataError(
            f"{table.title(column)} of {table.path} holds {len(kinds):,} different words, such as "
            f"{kinds[0][:20]!r}, and a network reads {MOST} of a column at most: write them as "
            f"plain numbers, {others}"
        )
    return [Feature(column, word) for word in kinds]


def learn(table: Table, columns: Iterable[int], note: Callable[[str], None]) -> list[list[Feature]]:
    """Find what a network learns from each of some columns, and tell of those of words.

    Raises:
        DataError: as `features_of`, and if the words become too many columns.
    """
    learnt = []
    for column in columns:
        learnt.append(features_of(table, column))
        if learnt[-1] != [Feature(column)]:
            note(
                f"{table.path}: {table.title(column)} holds words, and becomes {len(learnt[-1])} "
                "columns of 0 and 1 (--drop leaves it out)"
            )
    count, rows = sum(map(len, learnt)), len(table.values)
    if count * rows > max(MOST_VALUES, MOST_OF_CELL * table.values.size):
        raise DataError(
            f"the words of {table.path} become {count:,} columns of {rows:,} rows, too many to "
            "hold: leave some out with --drop"
        )
    return learnt


def values_of(table: Table, features: Sequence[Feature], first: int = 0) -> NDArray[np.generic]:
    """Take the values of features, of the table that they were found in or one like it.

    A word that is none of a column's features is 0 in all of them; a missing one is NaN.

    Args:
        table: the table.
        features: what to take.
        first: how many rows stand before it, for messages.

    Returns:
        Shape (N, F); a view of the table where they are neighbouring columns of numbers.

    Raises:
        DataError: if a column that is a number holds words.
    """
    columns = [feature.column for feature in features]
    if not any(f.word is not None or f.column in table.words for f in features):
        start, stop = columns[0], columns[-1] + 1
        if columns == list(range(start, stop)):
            return table.values[:, start:stop]
        return table.values[:, columns]
    values = np.empty((len(table.values), len(features)))
    words = {column: words_of(table, column) for column in {*columns}}
    lower = {column: np.char.lower(found) for column, found in words.items()}
    missing = {column: np.isin(found, list(MISSING)) for column, found in lower.items()}
    for place, feature in enumerate(features):
        column = feature.column
        if feature.word is not None:
            values[:, place] = words[column] == feature.word
            if column not in table.words and column not in table.texts:
                _check_known(table, column, words[column], features)
            values[missing[column], place] = np.nan
        elif column not in table.words:
            values[:, place] = table.values[:, column]
        elif is_truth(table, column):
            values[:, place] = [_TRUTHS.get(word, np.nan) for word in lower[column].tolist()]
        elif (numbers := _numbers(lower[column])) is not None:
            values[:, place] = numbers
        else:
            row, word = next(
                (row, word)
                for row, word in enumerate(words[column].tolist(), first + 1)
                if word.lower() not in MISSING and _numbers(as_words([word])) is None
            )
            raise DataError(
                f"{table.title(column)} of {table.path} holds {word[:20]!r} in row {row:,}, where "
                "the model reads a number: correct it"
            )
    return values


def is_truth(table: Table, column: int) -> bool:
    """Whether a column of words holds true and false alone, in any case."""
    if column not in table.words:
        return False
    found = {str(word).lower() for word in np.unique(words_of(table, column)).tolist()}
    return found - MISSING <= _TRUTHS.keys()


def words_of(table: Table, column: int) -> NDArray[np.str_]:
    """Return what a column holds as words, without the spaces around them; shape (N,)."""
    if column in table.words:
        return table.words[column]
    if column in table.texts:
        return as_words(table.texts[column])
    numbers = table.values[:, column].tolist()
    return np.array(["" if v != v else f"{v:.15g}" for v in numbers], np.str_)


def _numbers(words: NDArray[np.str_]) -> NDArray[np.float64] | None:
    """Read words as numbers, NaN where one is missing; None if one is no number."""
    try:
        return np.array([np.nan if word in MISSING else float(word) for word in words.tolist()])
    except ValueError:
        return None


def _check_known(
    table: Table, column: int, words: NDArray[np.str_], features: Sequence[Feature]
) -> None:
    """Refuse numbers in place of words where none is a word of the model's.

    They may be written otherwise in the file, as 01 for 1.

    Raises:
        DataError: saying so.
    """
    known = [f.word for f in features if f.column == column and f.word is not None]
    there = words[words != ""]
    if len(there) and not np.isin(there, known).any():
        raise DataError(
            f"{table.title(column)} of {table.path} holds numbers such as {there[0]}, where the "
            f"model reads words such as {known[0][:20]!r}: write them alike"
        )
