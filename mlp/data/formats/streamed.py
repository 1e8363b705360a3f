"""Tables of bytes of any length as images, a block at a time, so that a few rows are in memory.

What the columns mean is decided by the header, and by values that are all bytes, in each block as
in the whole. Where it takes all rows to tell, a table is read whole: see `streamed`.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from mlp.common.errors import DataError, MLPError
from mlp.common.quiet import quiet
from mlp.data.dataset import Split
from mlp.data.formats.columns import ID_NAMES, LABEL_NAMES, as_raw
from mlp.data.formats.splits import WHOLE, as_written
from mlp.data.formats.table import Table, open_table
from mlp.data.reading import Reading

_AT_ONCE = 1 << 20  # bytes of labels that are in memory


class StreamedSplit:
    """The images of a table with a header, read anew whenever they are asked for.

    Args:
        path: the table.
        first: a row of the training table, whose columns all tables have.
        classes: the number of classes, where a label that is not below it is an error.

    Attributes:
        shape: of the images, (N, height, width).
        checksum: as that of a `Split`.

    Raises:
        MLPError: if it is no set of images with a label each, or takes all rows to tell.
    """

    def __init__(self, path: Path, first: Table, classes: int | None) -> None:
        self._path, self._first, self._classes = path, first, classes
        count, most, digest = 0, 0, hashlib.sha256()
        with tempfile.SpooledTemporaryFile(_AT_ONCE) as labels:  # digested behind all images
            for part in self.parts():
                count, most = count + len(part), max(most, int(part.labels.max()))
                digest.update(np.ascontiguousarray(part.images).data)
                labels.write(part.labels.tobytes())
            labels.seek(0)
            for block in iter(partial(labels.read, _AT_ONCE), b""):
                digest.update(block)
        if most < 2:  # it may be a column of a one-hot label
            raise DataError(f"{path} may have a one-hot label: read it whole")
        self.shape: tuple[int, ...] = (count, *part.images.shape[1:])
        self._count, self.checksum = count, digest.hexdigest()

    def __len__(self) -> int:
        return self._count

    def parts(self) -> Iterator[Split]:
        """Read the images from the first to the last, a block of rows at a time."""
        with open_table(self._path) as file:
            for block in file.blocks():
                if not _is_plain(block):
                    raise DataError(f"{self._path} holds more than bytes: read it whole")
                tables = [self._first, block]
                raw = as_raw(tables, Reading(), quiet)[1]
                yield as_written({WHOLE: raw}, self._path, self._classes)[WHOLE]


def streamed(
    paths: Mapping[str, Path], classes: int | None = None
) -> dict[str, StreamedSplit] | None:
    """Find the splits of tables, the training table first, without reading any of them whole.

    Returns:
        The splits; None where it takes all rows to tell what they hold, or what is wrong.
    """
    try:
        with open_table(next(iter(paths.values()))) as file:
            first = next(file.blocks())
        first = replace(first, values=first.values[:1])
        splits = {name: StreamedSplit(path, first, classes) for name, path in paths.items()}
    except MLPError:
        return None
    sizes = {split.shape[1:] for split in splits.values()}
    return splits if len(sizes) == 1 else None


def _is_plain(block: Table) -> bool:
    """Whether a block's columns mean what they mean in the whole table."""
    return (
        block.values.dtype == np.uint8
        and not block.words
        and block.names is not None
        and _counts(block.names, LABEL_NAMES) == 1
        and not _counts(block.names, ID_NAMES)  # which number the rows if all of them differ
    )


def _counts(names: Sequence[str], known: Sequence[str]) -> int:
    return sum(name.lower() in known for name in names)
