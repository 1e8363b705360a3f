"""``mnist.npz`` as Keras has it: ``x_train``, ``y_train``, ``x_test`` and ``y_test`` in one zip.

Other names are read, too: see `mlp.data.formats.arrays`.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from mlp.common.atomic import replacing
from mlp.common.errors import DataError
from mlp.common.safe_npz import is_zip, read_npz
from mlp.data.formats.arrays import as_splits, choose
from mlp.data.formats.registry import FORMATS, Format
from mlp.data.formats.request import Request
from mlp.data.formats.splits import TEST, TRAIN, Progress, RawSplits, Splits


@FORMATS.register("npz")
class Npz(Format):
    """Arrays by their names; the four of Keras, uint8 and compressed, where they are written."""

    title = "an .npz file"
    endings = (".npz",)

    def matches(self, path: Path) -> bool:
        return is_zip(path) and (path.suffix.lower() == ".npz" or holds_arrays_alone(path))

    def read(self, path: Path, request: Request) -> RawSplits:
        chosen = choose(npz_names(path), path)
        names = tuple(name for roles in chosen.values() for name in roles.values())
        return as_splits(chosen, read_npz(path, DataError, names), path, request)

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


def npz_names(path: Path) -> list[str]:
    """List the names of a file's arrays.

    Raises:
        DataError: if the file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DataError(f"{path} is a damaged .npz file ({error}): get it again") from None
    return [name.removesuffix(".npy") for name in names if name.endswith(".npy")]


def holds_arrays_alone(path: Path) -> bool:
    """Whether a zip holds nothing but NumPy's arrays, or is no zip within and not called one."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return path.suffix.lower() != ".zip"
    return bool(names) and all(name.endswith(".npy") for name in names)
