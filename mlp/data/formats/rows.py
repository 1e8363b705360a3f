"""New rows for a model, chunk by chunk, so that a file of any length takes the memory of a few."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.inputs import Inputs
from mlp.data.raw import TEST, TRAIN, VALIDATION, WHOLE, RawSplit

ORDER = (TEST, VALIDATION, WHOLE, TRAIN)
"""Of several splits the first of these has the rows to be answered."""

CHUNK_BYTES = 6 << 20
"""About as many bytes of features are read at a time."""


@dataclass(frozen=True)
class Asked:
    """What is wanted of new rows.

    Attributes:
        inputs: what the model reads.
        width: how many values of each row.
        names: columns that are to be passed through where the file has them.
        classes: what a label may be called.
        answer: what the column of the labels is called, where they are numbers; "" else.
    """

    inputs: Inputs
    width: int
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    answer: str = ""


@dataclass(frozen=True)
class Rows:
    """Some rows of a file.

    Attributes:
        raw: their features, and their labels where they have some.
        numbers: the place of each in the file, from 1; shape (N,).
        passed: the columns to be passed through, as they are written, by the name asked for.
    """

    raw: RawSplit
    numbers: NDArray[np.int64]
    passed: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.raw)


def rows_at_once(width: int, itemsize: int = 1) -> int:
    """Return how many rows of so many values make up a chunk."""
    return max(1, min(1 << 14, CHUNK_BYTES // max(1, width * itemsize)))


def split_to_answer(splits: Collection[str], source: object, note: Callable[[str], None]) -> str:
    """Choose which split's rows are answered, and say so where there are others.

    Raises:
        DataError: if there is none.
    """
    chosen = next((name for name in ORDER if name in splits), None)
    if chosen is None:
        raise DataError(f"{source} holds no rows: get it again")
    if len(splits) > 1:
        called = {TEST: "test", VALIDATION: "validation"}.get(chosen, "other")
        note(f"{source} has several sets of rows: its {called} rows are answered")
    return chosen


def cut(split: RawSplit) -> Iterator[Rows]:
    """Cut a split, which may be mapped, into chunks."""
    features = split.features
    step = rows_at_once(features[:1].size, features.itemsize)
    for start in range(0, len(split), step):
        part = split[start : start + step]
        yield Rows(part, np.arange(start + 1, start + len(part) + 1))


def as_texts(values: NDArray[Any]) -> list[str]:
    """Write values as texts."""
    return [str(value) for value in values.tolist()]
