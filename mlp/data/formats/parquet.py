"""Parquet, as Hugging Face gives data away: tables, or pictures with labels; read by PyArrow."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.bounds import check_unpacked
from mlp.common.choices import no_such
from mlp.common.errors import DataError, UsageError
from mlp.data.formats.arrays import FEATURES, join_validation
from mlp.data.formats.columns import LABEL_NAMES
from mlp.data.formats.extra import import_extra
from mlp.data.formats.parquet_columns import (
    Column,
    as_array,
    holding_files,
    read_columns,
    texts_of,
)
from mlp.data.formats.pictures import decode, to_bytes
from mlp.data.formats.registry import FORMATS, ReadFormat
from mlp.data.formats.request import Request
from mlp.data.formats.row_columns import raw_of, rows_of
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, RawSplits
from mlp.data.formats.table import Table, narrow
from mlp.data.raw import LONGEST_WORD, VALIDATION, RawSplit
from mlp.data.reading import Reading

_SPLITS = {"train": TRAIN, "test": TEST, "valid": VALIDATION, "val": VALIDATION}
_NAMED = re.compile(rf"(?:.*[^a-z])?({'|'.join(_SPLITS)})(?:ation)?(?:[^a-z].*)?")


@FORMATS.register("parquet")
class Parquet(ReadFormat):
    """One file, without a division into training and test rows."""

    title = "a Parquet file"
    endings = (".parquet",)
    takes = frozenset({"label", "drop", "size"})

    def matches(self, path: Path) -> bool:
        return path.suffix.lower() == ".parquet" and path.is_file()

    def read(self, path: Path, request: Request) -> RawSplits:
        return {WHOLE: _read([[path]], request)[0]}

    def rows(self, path: Path, request: Request, asked: Asked) -> Iterator[Rows]:
        with _told(path):
            columns = read_columns([path])
            table = None if _picture_column(columns) else _table(path, columns)
        if table is None:
            yield from super().rows(path, request, asked)
        else:
            yield from rows_of(table, request, asked)

    def read_pair(self, path: Path, other: Path, request: Request) -> RawSplits:
        if not self.matches(other):
            return super().read_pair(path, other, request)
        return dict(zip((TRAIN, TEST), _read([[path], [other]], request), strict=True))


@FORMATS.register("parquet-folder")
class ParquetFolder(ReadFormat):
    """Files whose names tell their split, ``train-00000-of-00002.parquet``, or of one set."""

    title = "a folder of Parquet files"
    takes = Parquet.takes

    def matches(self, path: Path) -> bool:
        return any(_files(path))

    def read(self, path: Path, request: Request) -> RawSplits:
        found: dict[str, list[Path]] = {}
        for file in _files(path):
            match = _NAMED.fullmatch(file.stem.lower())
            found.setdefault(_SPLITS[match[1]] if match else WHOLE, []).append(file)
        if WHOLE in found and len(found) > 1:
            raise DataError(
                f"the name of {found[WHOLE][0]} tells no split, as those of others there do: call "
                "it train, test or validation, or move it elsewhere"
            )
        found = {name: found[name] for name in (TRAIN, TEST, VALIDATION, WHOLE) if name in found}
        splits = dict(zip(found, _read(list(found.values()), request), strict=True))
        return join_validation(splits, path, request.note)


def _files(folder: Path) -> Iterator[Path]:
    return (
        file
        for file in sorted(folder.iterdir())
        if file.suffix.lower() == ".parquet" and file.is_file() and file.name[0] != "."
    )


def _read(splits: list[list[Path]], request: Request) -> list[RawSplit]:
    """Read splits, each of several files; all as the first.

    Raises:
        DataError: if a file cannot be read, is damaged, or holds what no network learns from.
    """
    with _told(splits[0][0]):
        return _read_splits(splits, request)


@contextmanager
def _told(first: Path) -> Iterator[None]:
    """Tell what goes wrong in reading a file in a sentence."""
    arrow = import_extra("pyarrow", "PyArrow", first)
    try:
        yield
    except (arrow.ArrowException, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{first} is a damaged Parquet file ({reason}): get it again") from None
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]
        raise DataError(f"cannot read {first}: {reason}") from None


def _read_splits(splits: list[list[Path]], request: Request) -> list[RawSplit]:
    frames = [read_columns(files) for files in splits]
    first = next(iter(splits[0]))
    picture = _picture_column(frames[0])
    for files, frame in zip(splits, frames, strict=True):
        if picture is not None and picture not in frame:
            raise DataError(f"{files[0]} lacks the column {picture} of {first}: name both alike")
    if picture is None:
        tables = [_table(files[0], frame) for files, frame in zip(splits, frames, strict=True)]
        return raw_of(tables, request)
    found = []
    for files, frame in zip(splits, frames, strict=True):
        images = _images(frame[picture].column, files, request.reading.size)
        label = _label(frame, first, request.reading)
        labels = None if label is None else as_array(frame[label].column)
        names = frame[label].names if label is not None else ()
        found.append(RawSplit(images, labels, label_names=names))
    return found


def _label(frame: dict[str, Column], path: Path, reading: Reading) -> str | None:
    """Name the column of the labels of pictures; None where there is none."""
    if reading.label is not None:
        if reading.label not in frame:
            raise UsageError(no_such(f"column in {path}", reading.label, frame))
        return reading.label
    named = [name for name in frame if name.lower() in LABEL_NAMES]
    if len(named) > 1:
        raise DataError(
            f"{path} has {len(named)} columns that may be the label, {' and '.join(named)}: name "
            "one with --label"
        )
    return named[0] if named else None


def _picture_column(columns: dict[str, Column]) -> str | None:
    """Name the column that holds pictures as files, as Hugging Face's ``image`` does."""
    held = holding_files({name: found.column.type for name, found in columns.items()})
    return next((name for name in held if name.lower() in FEATURES), held[0] if held else None)


def _images(column: Any, files: list[Path], size: int | None) -> NDArray[Any]:
    """Decode the pictures of a column, all alike, into one array."""
    first, images = files[0], np.empty(0, np.uint8)
    for row, content in enumerate(_contents(column, first)):
        image = decode(io.BytesIO(content), f"picture {row + 1:,} of {first}", size)
        if row == 0:
            packed = sum(file.stat().st_size for file in files)
            check_unpacked(first, packed, len(column) * image.nbytes, DataError)
            images = np.empty((len(column), *image.shape), image.dtype)
        if size is not None and image.dtype != images.dtype:
            image, images = to_bytes(image), to_bytes(images)
        if (image.shape, image.dtype) != (images.shape[1:], images.dtype):
            raise DataError(
                f"the pictures of {first} are of several sizes or depths: bring all to one with "
                "--size"
            )
        images[row] = image
    return images


def _contents(column: Any, path: Path) -> Iterator[bytes]:
    for row, value in enumerate(column.to_pylist(), 1):
        content = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(content, bytes):
            raise DataError(f"row {row:,} of {path} has no picture: leave that row out")
        yield content


def _table(path: Path, columns: dict[str, Column]) -> Table:
    """Make a table of columns of numbers and words."""
    arrays = {name: as_array(found.column) for name, found in columns.items()}
    values = np.full((len(next(iter(arrays.values()))), len(arrays)), np.nan)
    words, texts = {}, {}
    for place, (name, array) in enumerate(arrays.items()):
        if array.dtype.kind == "U":
            words[place] = array
            if array.size and array.itemsize == np.dtype((str, LONGEST_WORD)).itemsize:
                texts[place] = texts_of(columns[name].column)  # of which some may be cut
        elif array.ndim == 1 and array.dtype.kind in "biuf":
            values[:, place] = array
        else:
            raise DataError(
                f"column {name} of {path} holds {columns[name].column.type}, and no numbers or "
                "words: leave it out of the file"
            )
    return Table(path, tuple(arrays), narrow(values), words, texts)
