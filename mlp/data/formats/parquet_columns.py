"""The columns of Parquet files as PyArrow reads them, and as arrays.

They are read piece by piece, since a few bytes may stand for any number of values.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlp.common.bounds import check_unpacked
from mlp.common.errors import DataError
from mlp.data.formats.extra import import_extra
from mlp.data.raw import as_words

_INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls the numbers of its rows, which it writes beside them."""

_ROWS, _FEW = 1 << 16, 64
"""Rows that are read at a time, and where they hold pictures."""


class Column(NamedTuple):
    """A column as PyArrow has it, and the names of its classes, by their numbers."""

    column: Any
    names: tuple[str, ...]


def read_columns(files: list[Path]) -> dict[str, Column]:
    """Read the columns of files that belong together, by their names.

    Raises:
        DataError: if there are no rows, or they unpack to more than `mlp.common.bounds` lets them.
    """
    arrow = import_extra("pyarrow", "PyArrow", files[0])
    table = arrow.concat_tables([_read(file) for file in files])
    if not table.num_rows:
        raise DataError(f"{files[0]} holds no rows: get it again")
    twice = next((n for n, count in Counter(table.column_names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{files[0]} has two columns called {twice!r}: rename one of them")
    classes = _class_names(table.schema.metadata or {})
    kept = [name for name in table.column_names if not _INDEX.fullmatch(name)]
    return {name: Column(table.column(name), classes.get(name, ())) for name in kept}


def _read(file: Path) -> Any:
    """Read a file as a table, its texts as the numbers of different ones, as they are stored."""
    parquet, arrow = (
        import_extra(name, "PyArrow", file) for name in ("pyarrow.parquet", "pyarrow")
    )
    schema = parquet.read_schema(file)
    texts = [field.name for field in schema if str(field.type) in ("string", "large_string")]
    rows = _FEW if holding_files({field.name: field.type for field in schema}) else _ROWS
    packed, size, pieces = file.stat().st_size, 0, []
    with parquet.ParquetFile(file, read_dictionary=texts) as opened:
        meta = opened.metadata
        groups = (meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
        check_unpacked(file, packed, sum(groups), DataError)
        for piece in opened.iter_batches(rows):
            piece.validate(full=True)  # or numbers of texts that there are not would be believed
            size += piece.nbytes
            check_unpacked(file, packed, size, DataError)
            pieces.append(piece)
        return arrow.Table.from_batches(pieces, pieces[0].schema if pieces else schema)


def holding_files(types: Mapping[str, Any]) -> list[str]:
    """Name the columns that may hold files, by the types of all."""
    return [n for n, kind in types.items() if str(kind).startswith(("struct<bytes", "binary"))]


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """Find what Hugging Face notes of the classes that the numbers of a column stand for."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {n: tuple(map(str, f["names"])) for n, f in features.items() if "names" in f}
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return {}


def as_array(column: Any) -> NDArray[Any]:
    """Turn a column into numbers, NaN where one is missing, or words; shape (N,).

    What is neither becomes an array of shape (N, 0).
    """
    if (parts := _dictionaries(column)) is not None:
        return np.concatenate([as_words(texts)[numbers] for texts, numbers in parts])
    array = column.to_numpy()
    if array.dtype.kind == "O":  # numbers with gaps
        try:
            return np.array([np.nan if value is None else value for value in array], np.float64)
        except (TypeError, ValueError):
            return np.zeros((len(array), 0))
    return np.asarray(array)


def texts_of(column: Any) -> list[str]:
    """Return the texts of a column in full, of which `as_array` may have cut some."""
    parts = _dictionaries(column) or []
    return [texts[number] for texts, numbers in parts for number in numbers.tolist()]


def _dictionaries(column: Any) -> list[tuple[list[str], NDArray[np.int64]]] | None:
    """Return the different texts of each part of a column, "" the last, and their numbers."""
    kind = str(column.type)
    if kind.startswith(("string", "large_string")):
        column, kind = column.dictionary_encode(), "dictionary"
    if not kind.startswith("dictionary"):
        return None
    parts = []
    for part in column.chunks:
        texts = ["" if value is None else str(value) for value in part.dictionary.to_pylist()]
        numbers = part.indices.cast("int64").fill_null(len(texts))
        parts.append(([*texts, ""], numbers.to_numpy(zero_copy_only=False)))
    return parts
