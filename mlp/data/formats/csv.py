"""CSV and its like: a row an image or another example, its label and its pixels or other numbers.

Kaggle's files of digits start with the header ``label,pixel0,pixel1,…``; some have ``1x1,1x2,…``
for the row and column of each pixel, and some have no header and the label in front, or at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlp.common.atomic import replacing
from mlp.common.safe_npz import is_zip
from mlp.data.formats.layout import passed_columns
from mlp.data.formats.registry import FORMATS, ONE, Format
from mlp.data.formats.request import Request
from mlp.data.formats.row_columns import find_layout, merge_for, raw_of
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, Parted, Progress, RawSplits, Written
from mlp.data.formats.streamed import streamed
from mlp.data.formats.table import open_table, read_table
from mlp.data.inputs import Columns

ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".data")
"""Of the names of tables; ``.gz`` may follow. ``.csv`` alone is written."""

_LONGEST = 4  # bytes of "255,"


@FORMATS.register("csv")
class Csv(Format):
    """One file, without a division into training and test images."""

    title = "a CSV file"
    in_parts = True
    takes = frozenset({"label", "drop"})
    endings = (".csv",)
    holds = (ONE,)

    def matches(self, path: Path) -> bool:
        return is_table(path) and not is_zip(path)

    def read(self, path: Path, request: Request) -> RawSplits:
        return {WHOLE: raw_of([read_table(path)], request)[0]}

    def read_pair(self, path: Path, other: Path, request: Request) -> RawSplits:
        if not is_table(other):
            return super().read_pair(path, other, request)
        return read_tables(path, other, request)

    def rows(self, path: Path, request: Request, asked: Asked) -> Iterator[Rows]:
        with open_table(path) as file:
            layout, done = None, 0
            texts = sorted({*passed_columns(file.names, asked).values()})
            if isinstance(asked.inputs, Columns) and any("=" in n for n in asked.inputs.names):
                texts = list(range(file.columns))  # words are compared as they are written
            for block in file.blocks(texts):
                block, reading = merge_for(block, request.reading, asked, done)
                layout = layout or find_layout(block, reading, asked, request.note)
                yield layout.apply(block, done)
                done += len(block.values)

    def streamed(self, path: Path, classes: int | None) -> Written | None:
        return streamed({WHOLE: path}, classes)

    def write(self, splits: Written, path: Path, progress: Progress) -> None:
        write_csv(splits[WHOLE], path)


def is_table(path: Path) -> bool:
    """Whether a file is called as tables are, packed or not."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(ENDINGS)


def read_tables(train: Path, test: Path, request: Request) -> RawSplits:
    """Read a training and a test file, whose columns mean the same.

    Raises:
        DataError: as `read_table` and `as_raw`.
        UsageError: as `as_raw`.
    """
    tables = [read_table(train), read_table(test)]
    splits = raw_of(tables, request)
    return dict(zip((TRAIN, TEST), splits, strict=True))


def write_csv(split: Parted, path: Path) -> None:
    """Write a file with a header, whole or not at all, replacing what is there.

    The pixels are called ``pixel0,pixel1,…``; ``1x1,1x2,…`` where the images are not square, or
    of one pixel, so that their shape can be read back.

    Raises:
        OSError: if it cannot be written.
    """
    _, height, width = split.shape
    if height == width > 1:
        names = [f"pixel{i}" for i in range(height * width)]
    else:
        names = [f"{i + 1}x{j + 1}" for i in range(height) for j in range(width)]
    text = _texts(",")  # (256, 4)
    end = _texts("\n")
    with replacing(path) as file:
        file.write(",".join(["label", *names]).encode() + b"\n")
        for part in split.parts():
            pixels = part.images.reshape(len(part), height * width)
            table = np.column_stack([part.labels, pixels])  # (n, 1 + height · width)
            characters = text[table]  # (n, 1 + height · width, 4), padded with zeros
            characters[:, -1] = end[table[:, -1]]
            file.write(characters[characters != 0].tobytes())


def _texts(after: str) -> NDArray[np.uint8]:
    """Return each byte in decimal and a separator as characters, shape (256, 4), padded with 0."""
    padded = [f"{value}{after}".encode().ljust(_LONGEST, b"\0") for value in range(256)]
    return np.frombuffer(b"".join(padded), np.uint8).reshape(256, _LONGEST)
