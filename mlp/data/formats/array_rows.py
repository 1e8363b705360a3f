"""The rows of an array in a file, a chunk at a time, with their labels beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.formats.arrays import as_split, tell_order
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows, rows_at_once


class Chunked(Protocol):
    """An array that is handed out from its beginning to its end, so many rows at a time."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its values."""

    def chunks(self, rows: int) -> Iterator[NDArray[Any]]:
        """Yield so many rows at a time, the last ones fewer."""


def stream(
    features: Chunked, labels: Chunked | None, source: str, request: Request, asked: Asked
) -> Iterator[Rows]:
    """Yield the rows of an array of features, with those of an array of labels beside them.

    Raises:
        DataError: if they are no features, or their counts differ.
    """
    if not features.shape or not features.shape[0]:
        raise DataError(f"{source} holds no rows: get it again")
    count, width = features.shape[0], prod(features.shape[1:])
    if labels is not None and labels.shape[:1] != (count,):
        raise DataError(
            f"{source} has {count:,} rows but labels of shape {labels.shape}: check that both "
            "belong together"
        )
    request = replace(request, known=asked)
    if width == asked.width:  # there is no column of labels
        request = replace(request, reading=replace(request.reading, label=None))
    step = rows_at_once(width, features.dtype.itemsize)
    beside = repeat(None) if labels is None else labels.chunks(step)
    done = 0
    for chunk, answers in zip(features.chunks(step), beside, strict=False):
        split = as_split(chunk, answers, source, request)
        tell_order(split, source, request)
        request = replace(request, note=_quiet)  # what was told of the first holds for all
        yield Rows(split, np.arange(done + 1, done + len(chunk) + 1))
        done += len(chunk)


def _quiet(_: str) -> None:
    """Tell nobody."""
