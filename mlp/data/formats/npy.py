"""NumPy's single arrays: an .npy file, or a folder of .npy and .npz files that their names explain.

KMNIST comes as such a folder: ``kmnist-train-imgs.npz``, ``kmnist-train-labels.npz`` and so on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.common.safe_npz import npz_names, open_npy, read_npy, read_npz
from mlp.data.formats.array_rows import stream
from mlp.data.formats.arrays import as_split, as_splits, choose, role_of, tell_order
from mlp.data.formats.registry import FORMATS, ReadFormat
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.splits import WHOLE, RawSplits


@FORMATS.register("npy")
class Npy(ReadFormat):
    """One array of images, or of rows with a label's column; mapped into memory."""

    title = "an .npy file"
    takes = frozenset({"label"})
    endings = (".npy",)

    def matches(self, path: Path) -> bool:
        return path.suffix.lower() == ".npy"

    def read(self, path: Path, request: Request) -> RawSplits:
        split = as_split(read_npy(path, DataError), None, str(path), request)
        tell_order(split, path, request)
        return {WHOLE: split}

    def rows(self, path: Path, request: Request, asked: Asked) -> Iterator[Rows]:
        with open_npy(path, DataError) as array:
            yield from stream(array, None, str(path), request, asked)


@FORMATS.register("npy-folder")
class NpyFolder(ReadFormat):
    """An array a file."""

    title = "a folder of .npy files"
    takes = frozenset({"label"})

    def matches(self, path: Path) -> bool:
        return any((role_of(file.stem) or ("", ""))[1] == "features" for file in self.files(path))

    def files(self, path: Path) -> list[Path]:
        return sorted(
            file
            for file in path.iterdir()
            if file.suffix.lower() in (".npy", ".npz") and file.is_file() and file.name[0] != "."
        )

    def read(self, path: Path, request: Request) -> RawSplits:
        files = {file.stem: file for file in self.files(path)}
        chosen = choose(files, path)
        names = {name for roles in chosen.values() for name in roles.values()}
        return as_splits(chosen, {n: _only_array(files[n]) for n in names}, path, request)


def _only_array(path: Path) -> NDArray[Any]:
    if path.suffix.lower() == ".npy":
        return read_npy(path, DataError)
    names = npz_names(path, DataError)
    if len(names) != 1:
        raise DataError(f"{path} holds {len(names)} arrays where one belongs: name it by itself")
    return read_npz(path, DataError)[names[0]]
