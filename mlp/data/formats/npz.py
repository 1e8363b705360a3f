"""``mnist.npz`` as Keras has it: ``x_train``, ``y_train``, ``x_test`` and ``y_test`` in one zip.

Other names are read, too: see `mlp.data.formats.arrays`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from numpy.lib.format import dtype_to_descr, write_array_header_1_0
from numpy.typing import NDArray

from mlp.common.atomic import replacing
from mlp.common.errors import DataError
from mlp.common.safe_npz import is_zip, npz_names, open_npz, read_npz
from mlp.data.formats.array_rows import stream
from mlp.data.formats.arrays import as_splits, choose
from mlp.data.formats.registry import FORMATS, Format
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows, split_to_answer
from mlp.data.formats.splits import TEST, TRAIN, Progress, RawSplits, Written


@FORMATS.register("npz")
class Npz(Format):
    """Arrays by their names; the four of Keras, uint8 and compressed, where they are written."""

    title = "an .npz file"
    in_parts = True
    takes = frozenset({"label"})
    endings = (".npz",)

    def matches(self, path: Path) -> bool:
        return is_zip(path) and (path.suffix.lower() == ".npz" or holds_arrays_alone(path))

    def read(self, path: Path, request: Request) -> RawSplits:
        chosen = choose(npz_names(path, DataError), path)
        names = tuple(name for roles in chosen.values() for name in roles.values())
        return as_splits(chosen, read_npz(path, DataError, names), path, request)

    def rows(self, path: Path, request: Request, asked: Asked) -> Iterator[Rows]:
        chosen = choose(npz_names(path, DataError), path)
        split = split_to_answer(chosen, path, request.note)
        roles = chosen[split]
        with open_npz(path, DataError) as arrays:
            features, labels = arrays[roles["features"]], arrays.get(roles.get("labels", ""))
            if labels is not None and features.shape[:1] != labels.shape[:1]:  # or turned ones
                yield from super().rows(path, request, asked)
            else:
                source = f"{roles['features']} in {path}"
                yield from stream(features, labels, source, request, asked)

    def write(self, splits: Written, path: Path, progress: Progress) -> None:
        with (
            replacing(path) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name in (TRAIN, TEST):
                images = (part.images for part in splits[name].parts())
                _write_array(archive, f"x_{name}", splits[name].shape, images)
                labels = (part.labels for part in splits[name].parts())
                _write_array(archive, f"y_{name}", splits[name].shape[:1], labels)


def _write_array(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], parts: Iterator[NDArray[Any]]
) -> None:
    """Write an array of this shape in parts, to the bytes that `numpy.savez_compressed` writes."""
    first = next(parts)
    header = {"descr": dtype_to_descr(first.dtype), "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        write_array_header_1_0(file, header)
        for part in chain([first], parts):
            file.write(part.tobytes())


def holds_arrays_alone(path: Path) -> bool:
    """Whether a zip holds nothing but NumPy's arrays, or is no zip within and not called one."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return path.suffix.lower() != ".zip"
    return bool(names) and all(name.endswith(".npy") for name in names)
