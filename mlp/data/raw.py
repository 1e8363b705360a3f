"""What a file holds, before anything is decided about it: arrays as they were read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2s
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError

TRAIN, TEST, WHOLE = "train", "test", "all"
VALIDATION = "val"

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""How a missing value may be written, in lower case."""

LONGEST_WORD = 80
"""Characters that are kept of a word: an array has room for the longest one in each row."""


def as_words(texts: Iterable[str]) -> NDArray[np.str_]:
    """Make an array of what a column holds, without the spaces around it; shape (N,).

    What is longer than `LONGEST_WORD` is cut there, and ends in a digest that tells it from others.
    """
    return np.array([_cut(text.strip()) for text in texts], np.str_)


def _cut(word: str) -> str:
    if len(word) <= LONGEST_WORD:
        return word
    digest = blake2s(word.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{word[: LONGEST_WORD - len(digest) - 1]}…{digest}"


@dataclass(frozen=True)
class RawSplit:
    """Features with or without labels, in the dtypes of the file; NaN is a missing value.

    Attributes:
        features: bool, integers or floats; images of shape (N, height, width) or columns of shape
            (N, I). They may lie in a mapped file.
        labels: integers, floats, bools or strings of shape (N,); or of shape (N, L), the answers
            to L questions; None where the file has no labels.
        columns: the names of the I columns; None where the file does not name them.
        label_names: what each label stands for, by its number, where the file says so.
        answers: the names of the labels' own columns, where the file names them.
        numbers: the place of each row in the file, from 1, for messages; shape (N,); None where
            they are all there, in order.
        source: the file, for messages; empty where it is the dataset's own.

    Raises:
        DataError: if a shape or dtype is not as above, or the counts differ.
    """

    features: NDArray[Any]
    labels: NDArray[Any] | None = None
    columns: tuple[str, ...] | None = None
    label_names: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    numbers: NDArray[np.int64] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        features, labels = self.features, self.labels
        if features.ndim not in (2, 3) or features.dtype.kind not in "biuf":
            raise DataError(
                "features must be numbers of shape (count, height, width) or (count, columns), "
                f"not {features.dtype} of shape {features.shape}"
            )
        if self.columns is not None and (len(self.columns),) != features.shape[1:]:
            raise DataError(
                f"there are {len(self.columns):,} names of columns for features of shape "
                f"{features.shape}: give each column one name"
            )
        if labels is None:
            return
        if labels.ndim not in (1, 2) or labels.dtype.kind not in "biufUO":
            raise DataError(
                "labels must be numbers or words of shape (count,) or (count, questions), "
                f"not {labels.dtype} of shape {labels.shape}"
            )
        if len(features) != len(labels):
            raise DataError(
                f"there are {len(features):,} images but {len(labels):,} labels: "
                "check that both files belong together"
            )

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: slice | NDArray[Any]) -> RawSplit:
        labels = None if self.labels is None else self.labels[rows]
        numbers = self.numbers
        if numbers is None and not isinstance(rows, slice):  # of chunks, their reader keeps count
            numbers = np.arange(1, len(self) + 1)
        if numbers is not None:
            numbers = numbers[rows]
        features = np.asanyarray(self.features[rows])
        return replace(self, features=features, labels=labels, numbers=numbers)


RawSplits = dict[str, RawSplit]
"""Either a ``train`` and a ``test`` split, or ``all`` alone where there is no division."""
