"""``mnist.npz`` as Keras has it: ``x_train``, ``y_train``, ``x_test`` and ``y_test`` in one zip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.atomic import replacing
from mlp.common.errors import DataError
from mlp.common.safe_npz import is_zip, read_npz
from mlp.data.formats.registry import FORMATS, Format
from mlp.data.formats.request import Request
from mlp.data.formats.splits import TEST, TRAIN, Progress, RawSplits, Splits
from mlp.data.raw import RawSplit

_NAMES = {TRAIN: ("x_train", "y_train"), TEST: ("x_test", "y_test")}
_ALL_NAMES = tuple(name for names in _NAMES.values() for name in names)


@FORMATS.register("npz")
class Npz(Format):
    """The four arrays, of any integer dtype; uint8, and compressed, where they are written."""

    title = "an .npz file"
    endings = (".npz",)

    def matches(self, path: Path) -> bool:
        return is_zip(path)

    def read(self, path: Path, request: Request) -> RawSplits:
        arrays = read_npz(path, DataError, _ALL_NAMES)
        missing = [name for name in _ALL_NAMES if name not in arrays]
        if missing:
            raise DataError(f"{path} lacks {', '.join(missing)}: it needs {', '.join(_ALL_NAMES)}")
        return {
            split: RawSplit(_as_bytes(arrays[x], 3, x, path), _as_bytes(arrays[y], 1, y, path))
            for split, (x, y) in _NAMES.items()
        }

    def write(self, splits: Splits, path: Path, progress: Progress) -> None:
        train, test = splits[TRAIN], splits[TEST]
        with replacing(path) as file:
            np.savez_compressed(
                file,
                x_train=train.images,
                y_train=train.labels,
                x_test=test.images,
                y_test=test.labels,
            )


def _as_bytes(array: NDArray[Any], rank: int, name: str, path: Path) -> NDArray[np.uint8]:
    if array.ndim != rank or array.dtype.kind not in "iu":
        raise DataError(
            f"{name} in {path} is {array.dtype} of shape {array.shape}, where whole numbers of "
            f"rank {rank} belong: save images as (count, height, width) and labels as (count,)"
        )
    if array.size and (array.min() < 0 or array.max() > 255):
        raise DataError(
            f"{name} in {path} runs from {array.min()} to {array.max()}, where only 0 to 255 can "
            "be: correct it or get the file again"
        )
    return array.astype(np.uint8, copy=False)
