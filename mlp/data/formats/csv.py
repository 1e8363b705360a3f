"""CSV as Kaggle has it: a row an image, its label and its pixels from 0 to 255.

Most files start with the header ``label,pixel0,pixel1,…``; some have ``1x1,1x2,…`` for the row and
column of each pixel, and some have no header and the label in front.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlp.common.atomic import replacing
from mlp.common.errors import DataError
from mlp.common.safe_npz import is_zip
from mlp.data.dataset import Split
from mlp.data.formats.registry import FORMATS, ONE, Format
from mlp.data.formats.splits import WHOLE, Progress, RawSplits, Splits
from mlp.data.raw import RawSplit

LABEL_NAMES = ("label", "class", "y")
"""What the label's column may be called in a header, in any case."""

_BLOCK = 2_000  # rows parsed at a time, so that their floats stay few
_MAX_LINE = 1 << 20
_LONGEST = 4  # bytes of "255,"


@FORMATS.register("csv")
class Csv(Format):
    """One file, without a division into training and test images."""

    title = "a CSV file"
    endings = (".csv",)
    holds = (ONE,)

    def matches(self, path: Path) -> bool:
        return path.suffix.lower() == ".csv" and not is_zip(path)

    def read(self, path: Path, progress: Progress) -> RawSplits:
        return {WHOLE: read_csv(path)}

    def write(self, splits: Splits, path: Path, progress: Progress) -> None:
        write_csv(splits[WHOLE], path)


class _Layout(NamedTuple):
    columns: int
    label: int  # the column that the label is in
    height: int
    width: int


def read_csv(path: Path) -> RawSplit:
    """Read a file, with or without a header; 60,000 images of 28 x 28 take about two seconds.

    Without names like ``1x1`` in the header, the images are taken to be square.

    Raises:
        DataError: if it cannot be read, has no label, or has a row that is not a label and pixels.
            The message gives the line and column of the first fault.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            first = file.readline(_MAX_LINE)
            layout, has_header = _layout(path, first)
            lines = file if has_header else chain([first], file)
            blocks = list(_blocks(path, lines, 1 + has_header, layout.columns))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    if not blocks:
        raise DataError(f"{path} ends after its header: it holds no images")
    table = np.concatenate(blocks)  # (N, 1 + height · width)
    labels = table[:, layout.label].copy()  # (N,)
    pixels = np.delete(table, layout.label, axis=1)
    return RawSplit(pixels.reshape(-1, layout.height, layout.width), labels)


def write_csv(split: Split, path: Path) -> None:
    """Write a file with a header, whole or not at all, replacing what is there.

    The pixels are called ``pixel0,pixel1,…``; ``1x1,1x2,…`` where the images are not square, so
    that their shape can be read back.

    Raises:
        OSError: if it cannot be written.
    """
    N, height, width = split.images.shape
    if height == width:
        names = [f"pixel{i}" for i in range(height * width)]
    else:
        names = [f"{i + 1}x{j + 1}" for i in range(height) for j in range(width)]
    text = _texts(",")  # (256, 4)
    end = _texts("\n")
    with replacing(path) as file:
        file.write(",".join(["label", *names]).encode() + b"\n")
        for start in range(0, N, _BLOCK):
            part = split[start : start + _BLOCK]
            pixels = part.images.reshape(len(part), -1)
            table = np.column_stack([part.labels, pixels])  # (n, 1 + height · width)
            characters = text[table]  # (n, 1 + height · width, 4), padded with zeros
            characters[:, -1] = end[table[:, -1]]
            file.write(characters[characters != 0].tobytes())


def _texts(after: str) -> NDArray[np.uint8]:
    """Return each byte in decimal and a separator as characters, shape (256, 4), padded with 0."""
    padded = [f"{value}{after}".encode().ljust(_LONGEST, b"\0") for value in range(256)]
    return np.frombuffer(b"".join(padded), np.uint8).reshape(256, _LONGEST)


def _layout(path: Path, first: str) -> tuple[_Layout, bool]:
    """Find out from the first line what the columns are, and whether the line is a header."""
    if not first.strip():
        raise DataError(f"{path} is empty or begins with an empty line: get it again")
    fields = [field.strip().strip('"').lower() for field in first.split(",")]
    has_header = not _is_byte(fields[0])
    label = 0
    if has_header:
        found = [i for i, name in enumerate(fields) if name in LABEL_NAMES]
        if len(found) != 1:
            raise DataError(
                f"{path} names {len(found)} of its columns label: it needs the label of each "
                "image, as in label,pixel0,pixel1,… (Kaggle's own test.csv has none)"
            )
        label = found[0]
    names = [*fields[:label], *fields[label + 1 :], ""]  # of the pixels
    pixels = len(names) - 1
    last = re.fullmatch(r"(\d{1,6})x(\d{1,6})", names[pixels - 1])
    side = math.isqrt(pixels)
    height, width = (int(last[1]), int(last[2])) if last else (side, side)
    if height * width != pixels or not pixels:
        shape = f"{height} x {width}" if last else "a square image"
        raise DataError(
            f"{path} has {len(fields):,} columns, so a label and {pixels:,} pixels, which are not "
            f"{shape}: columns are missing, or it is another kind of table"
        )
    return _Layout(len(fields), label, height, width), has_header


def _blocks(
    path: Path, lines: Iterator[str], number: int, columns: int
) -> Iterator[NDArray[np.uint8]]:
    """Parse lines, the first with this line number, into arrays of shape (n, columns)."""
    while block := list(islice(lines, _BLOCK)):
        rows = [line for line in block if not line.isspace()]
        if rows:
            table = _parse(rows, columns)
            if table is None:
                raise DataError(_first_fault(path, block, number, columns))
            yield table
        number += len(block)


def _parse(rows: list[str], columns: int) -> NDArray[np.uint8] | None:
    """Parse rows of numbers from 0 to 255; None if a row holds anything else."""
    try:
        values = np.loadtxt(rows, np.float64, delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    with np.errstate(invalid="ignore"):  # NaN and values out of range are found just below
        table = values.astype(np.uint8)
    return table if values.shape[1] == columns and np.array_equal(table, values) else None


def _first_fault(path: Path, block: list[str], number: int, columns: int) -> str:
    for line_number, line in enumerate(block, number):
        fields = line.rstrip("\r\n").split(",")
        if line.isspace():
            continue
        if len(fields) != columns:
            return (
                f"line {line_number:,} of {path} has {len(fields):,} columns where {columns:,} "
                "belong: it is cut off or damaged, get it again"
            )
        for column, field in enumerate(fields, 1):
            if not _is_byte(field):
                return (
                    f"line {line_number:,} of {path} has {field[:20]!r} in column {column:,}, "
                    "where a whole number from 0 to 255 belongs: correct it or get the file again"
                )
    return f"{path} cannot be read from line {number:,} on: get it again"


def _is_byte(field: str) -> bool:
    try:
        value = float(field)
    except ValueError:
        return False
    return "_" not in field and value in range(256)
