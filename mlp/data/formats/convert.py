"""Datasets of any form: told apart, read, and written."""

from __future__ import annotations

from pathlib import Path

from mlp.common.errors import DataError, UsageError
from mlp.common.overwrite import check_holds_only, check_target
from mlp.data.dataset import Dataset
from mlp.data.formats.registry import FORMS, NAMES, PAIR, Form
from mlp.data.formats.splits import TEST, TRAIN, Progress, Splits, as_dataset, check_splits


def detect(path: str | Path) -> Form:
    """Tell the form of a file or folder from what is in it.

    Raises:
        DataError: if there is none, or it is of no known form, or of several.
    """
    path = Path(path)
    try:
        if not (path.is_dir() or path.is_file()):
            raise DataError(f"there is no file or folder {path}: check its name")
        found = [f for f in FORMS if f.is_folder == path.is_dir() and f.matches(path)]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"{path} is both {' and '.join(form.title for form in found)}: separate them"
        )
    raise DataError(
        f"{path} is no dataset: it may be a folder of IDX files, a CSV file, a folder with "
        "train.csv and test.csv, an .npz file, or a folder of images by class"
    )


def read_splits(path: str | Path, classes: int = 10, progress: Progress | None = None) -> Splits:
    """Read a file or folder of any form.

    Args:
        path: see `detect`; a CSV file, or a folder of classes, gives one split called ``all``.
        classes: the number of classes; a label that is not below it is an error.
        progress: told how many images are read, where reading takes long.

    Raises:
        DataError: if it is missing, damaged, hostile or of no known form.
    """
    path = Path(path)
    splits = detect(path).read(path, progress or _quiet)
    check_splits(splits, path, classes)
    return splits


def read(path: str | Path, classes: int = 10, progress: Progress | None = None) -> Dataset:
    """Read a dataset of any form, with training and test images; see `read_splits`.

    Raises:
        DataError: as `read_splits`, and if there is no division into training and test images.
    """
    return as_dataset(read_splits(path, classes, progress), Path(path), classes)


def write(
    data: Dataset | Splits,
    path: str | Path,
    to: str | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Form:
    """Write a dataset, or splits, whole or not at all.

    Args:
        data: what to write.
        path: the file or folder; its ending tells the form if that is ``.npz`` or ``.csv``.
        to: the form by its name, where the ending does not tell.
        force: whether data that is there may be replaced.
        progress: told how many images are written, where writing takes long.

    Returns:
        The form that was written.

    Raises:
        UsageError: if the form is not told, cannot hold the splits, or the place is taken.
        DataError: if it cannot be written there, or has labels of several classes an image.
    """
    path = Path(path)
    splits = {TRAIN: data.train, TEST: data.test} if isinstance(data, Dataset) else data
    form = choose(path, to)
    check_free(path, form, force)
    if any(split.labels.ndim > 1 for split in splits.values()):
        raise DataError("files hold one class an image, but these images have several labels")
    if splits.keys() not in form.holds:
        raise UsageError(
            f"{form.title} holds one set of images, but there are training and test images: name "
            "a folder, and add --to csv"
            if splits.keys() == PAIR
            else f"{form.title} holds training and test images, but there is one set of images: "
            "write a .csv file, or add --to images"
        )
    try:
        form.write(splits, path, progress or _quiet)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from None
    return form


def convert(
    source: str | Path,
    target: str | Path,
    to: str | None = None,
    *,
    classes: int = 10,
    force: bool = False,
    progress: Progress | None = None,
) -> tuple[Form, Splits]:
    """Read a dataset of any form and write it in another; every pixel and label stays.

    The arguments and errors are those of `read_splits` and `write`; whether there is a place to
    write is seen before anything is read.

    Returns:
        The form that was written, and what was.
    """
    check_free(Path(target), choose(Path(target), to), force)
    splits = read_splits(source, classes, progress)
    return write(splits, target, to, force=force, progress=progress), splits


def choose(path: Path, to: str | None) -> Form:
    """Settle the form to write, from its name or the path's ending.

    Raises:
        UsageError: if neither tells it, or they disagree.
    """
    ending = path.suffix.lower()
    name = to or ending.removeprefix(".")
    is_file = ending in (".npz", ".csv")
    for form in FORMS:
        if form.name == name and form.is_folder != is_file:
            return form
    if name in NAMES:
        raise UsageError(f"the name {path} does not suit the form {name}: change its ending")
    raise UsageError(
        f"the name {path} does not tell a known form: end it in .npz or .csv, or choose one with "
        f"--to {'|'.join(NAMES)}"
    )


def check_free(path: Path, form: Form, force: bool) -> None:
    """Refuse a place that is taken, or that holds more than data.

    Raises:
        UsageError: if something is there that may not be replaced.
        DataError: if the place is not writable, or a folder there holds anything but a dataset.
    """
    check_target(path, force, form.is_folder, DataError)
    if path.is_dir() and any(path.iterdir()):
        check_holds_only(path, detect(path).files(path), DataError)


def _quiet(done: int, total: int) -> None:
    """Tell nobody."""
