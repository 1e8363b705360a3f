"""The forms that images and labels come in, each with how it is told, read and written."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from mlp.common.atomic import replacing_folder
from mlp.common.safe_npz import is_zip
from mlp.data.formats.csv import read_csv, write_csv
from mlp.data.formats.idx_folder import list_idx_files, load_idx_folder, write_idx_folder
from mlp.data.formats.image_folder import is_image_folder, list_images, read_images, write_images
from mlp.data.formats.npz import read_npz_dataset, write_npz_dataset
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, Progress, Splits, as_dataset

PAIR, ONE = frozenset({TRAIN, TEST}), frozenset({WHOLE})

CSV_PAIRS = (("train.csv", "test.csv"), ("mnist_train.csv", "mnist_test.csv"))
"""The names under which a folder holds a training and a test file; the first are written."""

_BYTE_VALUES = 256  # as many classes as a label of one byte can tell apart


@dataclass(frozen=True)
class Form:
    """One form that datasets come in.

    Attributes:
        name: what ``--to`` calls it.
        title: what people call it.
        is_folder: whether it is a folder of files.
        holds: the sets of splits that it can hold.
        matches: whether the file or folder, which is there, looks like one.
        read: gets the splits from it.
        write: puts splits, which it can hold, where nothing of worth is; whole or not at all.
        files: the files that make one up.
    """

    name: str
    title: str
    is_folder: bool
    holds: tuple[frozenset[str], ...]
    matches: Callable[[Path], bool]
    read: Callable[[Path, Progress], Splits]
    write: Callable[[Splits, Path, Progress], None]
    files: Callable[[Path], Collection[Path]]


def _csv_pair(folder: Path) -> tuple[Path, ...]:
    """The training and the test file; empty if the folder lacks one of them."""
    for names in CSV_PAIRS:
        pair = tuple(folder / name for name in names)
        if all(file.is_file() for file in pair):
            return pair
    return ()


def _read_csv_pair(folder: Path, _: Progress) -> Splits:
    train, test = _csv_pair(folder)
    return {TRAIN: read_csv(train), TEST: read_csv(test)}


def _write_csv_pair(splits: Splits, path: Path, _: Progress) -> None:
    with replacing_folder(path) as folder:
        for name, file in zip((TRAIN, TEST), CSV_PAIRS[0], strict=True):
            write_csv(splits[name], folder / file)


def _read_idx(folder: Path, _: Progress) -> Splits:
    dataset = load_idx_folder(folder, classes=_BYTE_VALUES)
    return {TRAIN: dataset.train, TEST: dataset.test}


def _write_idx(splits: Splits, path: Path, _: Progress) -> None:
    with replacing_folder(path) as folder:
        write_idx_folder(as_dataset(splits, path, _BYTE_VALUES), folder)


def _write_images(splits: Splits, path: Path, progress: Progress) -> None:
    with replacing_folder(path) as folder:
        write_images(splits, folder, progress)


FORMS = (
    Form(
        "idx",
        "a folder of IDX files",
        is_folder=True,
        holds=(PAIR,),
        matches=lambda folder: bool(list_idx_files(folder)),
        read=_read_idx,
        write=_write_idx,
        files=list_idx_files,
    ),
    Form(
        "csv",
        "a folder of two CSV files",
        is_folder=True,
        holds=(PAIR,),
        matches=lambda folder: bool(_csv_pair(folder)),
        read=_read_csv_pair,
        write=_write_csv_pair,
        files=_csv_pair,
    ),
    Form(
        "images",
        "a folder of images",
        is_folder=True,
        holds=(PAIR, ONE),
        matches=is_image_folder,
        read=read_images,
        write=_write_images,
        files=lambda folder: [f.path for split in list_images(folder).values() for f in split],
    ),
    Form(
        "npz",
        "an .npz file",
        is_folder=False,
        holds=(PAIR,),
        matches=is_zip,
        read=lambda path, _: read_npz_dataset(path),
        write=lambda splits, path, _: write_npz_dataset(splits, path),
        files=lambda path: [path],
    ),
    Form(
        "csv",
        "a CSV file",
        is_folder=False,
        holds=(ONE,),
        matches=lambda path: path.suffix.lower() == ".csv" and not is_zip(path),
        read=lambda path, _: {WHOLE: read_csv(path)},
        write=lambda splits, path, _: write_csv(splits[WHOLE], path),
        files=lambda path: [path],
    ),
)
NAMES = tuple(dict.fromkeys(form.name for form in FORMS))
