"""Datasets in any format: recognised, read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from mlp.common.atomic import claiming, put_back
from mlp.common.errors import DataError, UsageError
from mlp.common.foreign import foreign
from mlp.common.overwrite import check_destination, check_holds_only, taken
from mlp.common.plain_file import check_file
from mlp.common.quiet import quiet
from mlp.data.dataset import Dataset, Split
from mlp.data.formats.image_files import holds_pictures
from mlp.data.formats.lone_folder import Location, find_inside
from mlp.data.formats.registry import FORMATS, PAIR, Format
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.splits import TEST, TRAIN, Progress, RawSplits, Splits, Written, as_written
from mlp.data.inputs import Columns
from mlp.data.interpret import Meaning, interpret
from mlp.data.reading import Reading
from mlp.data.task import Kind, Task

PICKLES = frozenset({".pkl", ".pickle", ".joblib"})
"""Endings of Python's own files of objects, which run what they hold when they are read."""


def detect(path: str | Path) -> Format:
    """Recognise the format of a file or folder by its content.

    Raises:
        DataError: if there is none, or it is of no known format, or of several.
    """
    path = Path(path)
    with _looking_at(path):
        return _only_format(path, FORMATS.matching(path))


def recognise(path: str | Path) -> tuple[Path, Format]:
    """Find where the data of a folder is, there or in the one folder within, and its format.

    Returns:
        The place, see `find_inside`, and the format.

    Raises:
        DataError: as `detect`.
    """
    path = Path(path)
    with _looking_at(path):
        return _as_recognised(_found(path))


@contextmanager
def _looking_at(path: Path) -> Iterator[None]:
    """Refuse what is not there, and what cannot be looked at in the block."""
    put_back(path)
    check_file(path, DataError)
    try:
        if not (path.is_dir() or path.is_file()):
            raise DataError(f"there is no file or folder {path}: check its name")
        yield
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def _found(path: Path) -> Location:
    """Find data as `find_inside` does; the path itself where there is none."""
    found = find_inside(path)
    return found if found.formats else Location(path, [])


def _as_recognised(found: Location) -> tuple[Path, Format]:
    return found.place, _only_format(*found)


def _only_format(path: Path, found: list[Format]) -> Format:
    """Return the one format that a file or folder looks like one of.

    Raises:
        DataError: as `detect`.
    """
    if PICKLES & {suffix.lower() for suffix in path.suffixes} and path.is_file():
        raise DataError(
            f"{path} is a pickle, which is never read, as it could run any program: load it in "
            "Python if you trust it, and write its arrays with numpy.savez"
        )
    other = foreign(path)
    if other is not None and all(format.name in ("zip", "npz") for format in found):
        raise DataError(f"{path} is no dataset but {other.kind}: {other.as_data}")
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"{path} is both {' and '.join(format.title for format in found)}: separate them"
        )
    remedy = None
    if path.is_dir() and holds_pictures(path):
        remedy = (
            "its pictures tell no classes: put those of each class into a folder of their own, or "
            "add labels.csv, of filename,label"
        )
    raise DataError(f"{path} is no dataset: {remedy or f'name {FORMATS.titles}'}")


def read_raw(path: str | Path, request: Request | None = None) -> RawSplits:
    """Read what a file or folder in any format holds, as it is.

    Args:
        path: see `recognise`.
        request: how it is to be read; as everywhere by default.

    Raises:
        DataError: if it is missing, damaged, hostile or of no known format.
    """
    return read_place(*recognise(path), request or Request())


def read_place(place: Path, format: Format, request: Request) -> RawSplits:
    """Read what is there, in the format that `recognise` has found; see `read_raw`."""
    other = request.reading.test_file
    return format.read_pair(place, Path(other), request) if other else format.read(place, request)


def read_rows(path: str | Path, request: Request, asked: Asked) -> Iterator[Rows]:
    """Read the rows of a file or folder that a model is to answer, chunk by chunk.

    Args:
        path: see `recognise`; or a folder of pictures, which have no labels.
        request: how they are to be read.
        asked: what is wanted of them.

    Raises:
        DataError: as `detect`, and if they are not what the model reads.
    """
    path = Path(path)
    with _looking_at(path):
        found = _found(path)
        if not found.formats and path.is_dir() and holds_pictures(path):
            yield from FORMATS["images"]().rows(path, request, asked)
        else:
            place, format = _as_recognised(found)
            yield from format.rows(place, request, asked)


def read_splits(
    path: str | Path, classes: int | None = None, progress: Progress | None = None
) -> Splits:
    """Read the images of a file or folder with their labels as they are written.

    Args:
        path: see `recognise`; a CSV file, or a folder of classes, gives one split called ``all``.
        classes: the number of classes; a label that is not below it is an error.
        progress: called with how many images are read, where reading takes long.

    Raises:
        DataError: as `read_raw` and `as_written`.
    """
    return as_written(read_raw(path, Request(progress=progress or quiet)), Path(path), classes)


def read(
    path: str | Path,
    reading: Reading | None = None,
    progress: Progress | None = None,
    *,
    kind: Kind = "multiclass",
    known: Meaning | None = None,
    note: Callable[[str], None] | None = None,
) -> Dataset:
    """Read a dataset in any format; the arguments are those of `mlp.data.interpret.interpret`.

    Raises:
        DataError: as `read_raw`, and if what is there makes no dataset.
    """
    path = Path(path)
    request = Request(reading or Reading(), progress or quiet, note or quiet, asked_of(known))
    place, format = recognise(path)
    if known is None:  # else the choices are those that the model was trained with
        format.check_choices(path, request.reading)
    raw = read_place(place, format, request)
    return interpret(raw, path.stem, str(path), reading, kind=kind, known=known, note=note)


def asked_of(known: Meaning | None) -> Asked | None:
    """Return what a model reads of columns, where it does read columns."""
    if known is None or not isinstance(known.inputs, Columns):
        return None
    task = known.task or Task(names=())
    answer = task.names[0] if task.kind == "regression" else ""
    return Asked(known.inputs, len(known.inputs.names), (), task.names, answer)


def write(
    data: Dataset | Written,
    path: str | Path,
    to: str | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Format:
    """Write a dataset, or splits, whole or not at all.

    Args:
        data: what to write.
        path: the file or folder; its ending decides the format, if one has that ending.
        to: the name of the format, where the ending does not decide it.
        force: whether data that is there may be replaced.
        progress: called with how many images are written, where writing takes long.

    Returns:
        The format that was written.

    Raises:
        UsageError: if the format is not stated, cannot hold the splits, or the place is taken.
        DataError: if it cannot be written there, or has labels of several classes an image.
    """
    path = Path(path)
    splits = {TRAIN: data.train, TEST: data.test} if isinstance(data, Dataset) else data
    format = FORMATS.choose(path, to)
    check_free(path, format, force)
    if any(isinstance(split, Split) and split.labels.ndim > 1 for split in splits.values()):
        raise DataError("files hold one class an image, but these images have several labels")
    if splits.keys() not in format.holds:
        raise UsageError(
            f"{format.title} holds one set of images, but there are training and test images: name "
            "a folder, and add --to csv"
            if splits.keys() == PAIR
            else f"{format.title} holds training and test images, but there is one set of images: "
            "write a .csv file, or add --to images"
        )
    try:
        with nullcontext(path) if force else claiming(path) as place:
            format.write(splits, place, progress or quiet)
    except FileExistsError:
        raise taken(path) from None
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from None
    return format


def convert(
    source: str | Path,
    target: str | Path,
    to: str | None = None,
    *,
    classes: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> tuple[Format, Written]:
    """Read a dataset in any format and write it in another; every pixel and label stays.

    The arguments and errors are those of `read_splits` and `write`; the target is checked before
    anything is read.

    Returns:
        The format that was written, and the splits.
    """
    format = FORMATS.choose(Path(target), to)
    check_free(Path(target), format, force)
    place, own = recognise(source)
    parts = own.streamed(place, classes) if format.in_parts else None
    splits = parts or read_splits(source, classes, progress)
    return write(splits, target, to, force=force, progress=progress), splits


def check_free(path: Path, format: Format, force: bool) -> None:
    """Refuse a place that is taken, or that holds more than data.

    Raises:
        UsageError: if something is there that may not be replaced.
        DataError: if the place is not writable, or a folder there holds anything but a dataset.
    """
    check_destination(path, force, format.is_folder, DataError)
    if path.is_dir() and any(path.iterdir()):
        check_holds_only(path, detect(path).files(path), DataError)
