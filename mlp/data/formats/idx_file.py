"""One IDX file of images or of rows, with its labels where their file lies beside it."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from mlp.common.errors import DataError
from mlp.data.formats.array_rows import stream
from mlp.data.formats.arrays import as_split, tell_order
from mlp.data.formats.idx import DTYPES, open_idx, read_idx
from mlp.data.formats.registry import FORMATS, ReadFormat
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.splits import WHOLE, RawSplits
from mlp.data.raw import RawSplit


@FORMATS.register("idx-file")
class IdxFile(ReadFormat):
    """Such as ``t10k-images-idx3-ubyte``, packed with gzip or not."""

    title = "an IDX file"
    endings = (".idx",)

    def matches(self, path: Path) -> bool:
        start = _start(path)
        return start[:2] == b"\0\0" and start[2] in DTYPES and 2 <= start[3] <= 4

    def read(self, path: Path, request: Request) -> RawSplits:
        labels = _labels_of(path)
        own = None if labels is None else read_idx(labels)
        split = as_split(read_idx(path, mmap="auto"), own, str(path), request)
        tell_order(split, path, request)
        if not _is_turned(path, request):
            return {WHOLE: split}
        return {WHOLE: RawSplit(split.features.swapaxes(1, 2), split.labels)}

    def rows(self, path: Path, request: Request, asked: Asked) -> Iterator[Rows]:
        is_turned, labels = _is_turned(path, request), _labels_of(path)
        with ExitStack() as stack:
            images = stack.enter_context(open_idx(path))
            beside = None if labels is None else stack.enter_context(open_idx(labels))
            if is_turned and len(images.shape) != 3:
                raise DataError(f"{path} holds no images, whose name says so: rename it")
            for part in stream(images, beside, str(path), request, asked):
                if not is_turned:
                    yield part
                    continue
                raw = RawSplit(part.raw.features.swapaxes(1, 2), part.raw.labels)
                yield Rows(raw, part.numbers)


def _start(path: Path) -> bytes:
    """Return the first four bytes, unpacked; zeros where there are fewer."""
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] == b"\x1f\x8b":
        try:
            with gzip.open(path) as unpacked:
                start = unpacked.read(4)
        except (OSError, EOFError, zlib.error):
            start = b""
    return start.ljust(4, b"\0")


def _labels_of(path: Path) -> Path | None:
    """Find the file of labels beside one of images, as ``t10k-labels-idx1-ubyte``."""
    name = re.sub("images", "labels", path.name, flags=re.IGNORECASE)
    if name == path.name:
        return None
    name = re.sub(r"idx\d", "idx1", name, flags=re.IGNORECASE)
    plain = name.removesuffix(".gz")
    return next(
        (found for n in (plain, f"{plain}.gz") if (found := path.with_name(n)).is_file()), None
    )


def _is_turned(path: Path, request: Request) -> bool:
    """Whether a file is of EMNIST, by its name, whose images lie on their side."""
    is_turned = path.name.lower().startswith("emnist")
    if is_turned:
        request.note(f"{path} is of EMNIST, whose images lie on their side: they are turned")
    return is_turned
