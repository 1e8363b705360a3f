"""A folder with the four IDX files that MNIST, Fashion-MNIST, KMNIST and others come as."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlp.common.atomic import replacing_folder
from mlp.common.errors import DataError
from mlp.data.dataset import Dataset, Split
from mlp.data.formats.idx import idx_sha256, read_idx, write_idx_parts
from mlp.data.formats.idx_file import IdxFile
from mlp.data.formats.idx_names import find_sets, one_set, read_mapping
from mlp.data.formats.registry import FORMATS, Format
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.splits import TEST, TRAIN, Parted, Progress, RawSplits, Written
from mlp.data.raw import RawSplit

TRAIN_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST_FILES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
IDX_FILES = TRAIN_FILES + TEST_FILES

_QMNIST_COLUMNS = 8

_BYTE_VALUES = 256  # as many classes as a label of one byte can tell apart


@FORMATS.register("idx")
class IdxFolder(Format):
    """The four files, packed with gzip or not; packed where they are written."""

    title = "a folder of IDX files"
    in_parts = True
    endings = ("",)

    def matches(self, path: Path) -> bool:
        return bool(self.files(path) or find_sets(path))

    def files(self, path: Path) -> list[Path]:
        return list_idx_files(path)

    def read(self, path: Path, request: Request) -> RawSplits:
        sets = find_sets(path)
        if "" in sets or not sets:  # of MNIST's names
            dataset = load_idx_folder(path, classes=_BYTE_VALUES)
            return {
                name: RawSplit(split.images, split.labels)
                for name, split in ((TRAIN, dataset.train), (TEST, dataset.test))
            }
        prefix, files = one_set(sets, path)
        is_turned = prefix.startswith("emnist")
        if is_turned:
            request.note(f"{path} is of EMNIST, whose images lie on their side: they are turned")
        names = read_mapping(path, prefix)
        return {
            split: _read_prefixed(files[split, "images"], files[split, "labels"], is_turned, names)
            for split in (TRAIN, TEST)
        }

    def rows(self, path: Path, request: Request, asked: Asked) -> Iterator[Rows]:
        own = find_idx_file(path, TEST_FILES[0]) or find_idx_file(path, TRAIN_FILES[0])
        if own is None:
            own = one_set(find_sets(path), path)[1][TEST, "images"]
        request.note(f"the rows of {own} are answered")
        yield from IdxFile().rows(own, request, asked)

    def write(self, splits: Written, path: Path, progress: Progress) -> None:
        train, test = splits[TRAIN], splits[TEST]
        # Which refuses what does not belong together.
        Dataset("idx", str(path), _BYTE_VALUES, next(train.parts()), next(test.parts()))
        with replacing_folder(path) as folder:
            _write_files(train, test, folder, ".gz")


def _read_prefixed(
    images_file: Path, labels_file: Path, is_turned: bool, names: tuple[str, ...]
) -> RawSplit:
    """Read a split whose images may be transposed, and whose labels may have QMNIST's columns."""
    images, labels = _load_file(images_file, "images", None), read_idx(labels_file)
    if labels.ndim == 2 and labels.shape[1] == _QMNIST_COLUMNS:
        labels = labels[:, 0]  # the class; the others tell of the writer
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(
            f"{labels_file} holds {labels.dtype} of shape {labels.shape}, where whole numbers of "
            "shape (count,) belong: check that the files are not mixed up"
        )
    return RawSplit(images.swapaxes(1, 2) if is_turned else images, labels, None, names)


def load_idx_folder(
    folder: str | Path,
    name: str = "idx",
    *,
    classes: int = 10,
    checksums: Mapping[str, str] | None = None,
) -> Dataset:
    """Load the four files of a folder, each packed with gzip or not.

    Unpacked files are mapped into memory, read-only, so that a dataset may be larger than it: they
    must not change while the dataset is in use.

    Args:
        folder: holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same for
            ``t10k``, with or without ``.gz``; ``train-images.idx3-ubyte`` will do as well.
        name: what the dataset is called.
        classes: the number of classes; a label that is not below it is an error.
        checksums: the sha256 that each file must have when unpacked, by its name in
            ``IDX_FILES``; nothing is compared without it.

    Raises:
        DataError: if a file is missing, damaged, not of the right kind, has another
            checksum, or has another number of images or labels than its counterpart.
    """
    folder = Path(folder)
    files = _find_all(folder)
    return Dataset(
        name=name,
        source=str(folder),
        classes=classes,
        train=_load_split(folder, files, TRAIN_FILES, checksums or {}),
        test=_load_split(folder, files, TEST_FILES, checksums or {}),
    )


def write_idx_folder(dataset: Dataset, folder: str | Path, *, compress: bool = True) -> None:
    """Write a dataset as four IDX files, packed with gzip unless ``compress`` is false.

    The folder is made if need be, and files of the same names are replaced.

    Raises:
        DataError: if the folder cannot be written, or holds one of the files under another
            spelling, which a reader might then take instead.
    """
    _write_files(dataset.train, dataset.test, Path(folder), ".gz" if compress else "")


def _write_files(train: Parted, test: Parted, folder: Path, suffix: str) -> None:
    own = {
        tuple(folder / f"{name}{suffix}" for name in names): split
        for names, split in ((TRAIN_FILES, train), (TEST_FILES, test))
    }
    for rival in list_idx_files(folder):
        if not any(rival in paths for paths in own):
            raise DataError(
                f"{rival} is there already and would be mistaken for what is being written: "
                f"delete it or choose another folder"
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make the folder {folder}: {error.strerror}") from error
    for (images, labels), split in own.items():
        write_idx_parts(images, split.shape, (part.images for part in split.parts()))
        write_idx_parts(labels, split.shape[:1], (part.labels for part in split.parts()))


def find_idx_file(folder: Path, name: str) -> Path | None:
    """Return the file of this name among ``IDX_FILES``, in any spelling; unpacked ones first."""
    return next((path for path in _spellings(folder, name) if _is_file(path)), None)


def list_idx_files(folder: Path) -> list[Path]:
    """List the files in the folder that ``IDX_FILES`` names, in any spelling."""
    return [path for name in IDX_FILES for path in _spellings(folder, name) if _is_file(path)]


def check_sha256(array: NDArray[np.uint8], expected: str, source: str) -> None:
    """Check the sha256 of the array's unpacked IDX file.

    Raises:
        DataError: if it differs from the expected one.
    """
    found = idx_sha256(array)
    if found != expected:
        raise DataError(
            f"{source} is a sound IDX file but not the right one: its unpacked sha256 "
            f"begins with {found[:12]} and should with {expected[:12]}, so get it again"
        )


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - pathlib raises in folders one may not enter


def _spellings(folder: Path, name: str) -> list[Path]:
    dotted = name.replace("-idx", ".idx")
    return [folder / f"{stem}{suffix}" for suffix in ("", ".gz") for stem in (name, dotted)]


def _find_all(folder: Path) -> dict[str, Path]:
    if not os.path.isdir(folder):  # noqa: PTH112 - see _is_file
        raise DataError(f"there is no folder {folder}, or it may not be entered: check its name")
    found = {name: find_idx_file(folder, name) for name in IDX_FILES}
    files = {name: path for name, path in found.items() if path is not None}
    missing = [name for name in IDX_FILES if name not in files]
    if missing:
        raise DataError(
            f"the folder {folder} lacks {', '.join(missing)}: "
            f"put them there, with or without .gz at the end"
        )
    return files


def _load_split(
    folder: Path, files: Mapping[str, Path], names: tuple[str, str], checksums: Mapping[str, str]
) -> Split:
    images, labels = (_load_file(files[name], name, checksums.get(name)) for name in names)
    try:
        return Split(images, labels)
    except DataError as error:
        raise DataError(f"in {folder}, {error}") from error


def _load_file(path: Path, name: str, checksum: str | None) -> NDArray[np.uint8]:
    array = read_idx(path, mmap="auto")
    rank, axes = (3, "(count, height, width)") if "images" in name else (1, "(count,)")
    if array.dtype != np.uint8 or array.ndim != rank or 0 in array.shape[1:]:
        raise DataError(
            f"{path} holds {array.dtype} of shape {array.shape}, "
            f"where uint8 of shape {axes} belongs: check that the files are not mixed up"
        )
    if checksum is not None:
        check_sha256(array, checksum, str(path))
    return array
