"""Folders of pictures, one for each class: ``train/0/…`` to ``test/9/…``, or ``cat/…``."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.common.atomic import replacing_folder
from mlp.common.errors import DataError
from mlp.data.formats.arrays import VALIDATION
from mlp.data.formats.pictures import ENDINGS, PREPARATIONS, decode
from mlp.data.formats.registry import FORMATS, ONE, PAIR, Format
from mlp.data.formats.request import Request
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, Progress, RawSplits, Splits
from mlp.data.raw import RawSplit

MAX_BYTES = 4 << 30
"""The most bytes of pixels that are read from a folder."""

_FOLDERS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("test", "testing"), TEST),
    **dict.fromkeys(("val", "valid", "validation"), VALIDATION),
}
_LITTER = ("thumbs.db", "desktop.ini", "__macosx")  # as names with a dot: of file managers
_TEXTS = re.compile(r"(readme|licen[cs]e|citation)(\W.*)?", re.IGNORECASE)


class ImageFile(NamedTuple):
    """Where a picture is, and the class whose folder it is in; None where it is in none."""

    path: Path
    label: str | None


@FORMATS.register("images")
class ImageFolder(Format):
    """A folder of each class, or folders ``train`` and ``test`` of such folders."""

    title = "a folder of images"
    holds = (PAIR, ONE)

    def matches(self, path: Path) -> bool:
        return is_image_folder(path)

    def files(self, path: Path) -> list[Path]:
        return [file.path for split in list_images(path).values() for file in split]

    def read(self, path: Path, request: Request) -> RawSplits:
        return read_images(path, request)

    def write(self, splits: Splits, path: Path, progress: Progress) -> None:
        with replacing_folder(path) as folder:
            write_images(splits, folder, progress)


def is_image_folder(folder: Path) -> bool:
    """Whether the folder has a subfolder that is named as a split or a class, or has pictures."""
    return any(
        entry.is_dir()
        and not is_litter(entry.name)
        and (
            entry.name.lower() in _FOLDERS
            or entry.name.isdecimal()
            or any(path.suffix.lower() in ENDINGS for path in entry.iterdir())
        )
        for entry in folder.iterdir()
    )


def is_litter(name: str) -> bool:
    """Whether file managers leave files and folders of this name."""
    return name.startswith(".") or name.lower() in _LITTER


def list_images(
    folder: Path, note: Callable[[str], None] | None = None
) -> dict[str, list[ImageFile]]:
    """List the pictures of each split, in order, without opening them.

    They are sorted by file name, with numbers by value, across all classes: so numbered files keep
    the order of their dataset, and others mix the classes.

    Args:
        folder: holds the classes, or folders of splits with the classes in each.
        note: called with a sentence about what becomes of pictures for validation.

    Raises:
        DataError: if an entry is neither a picture nor a class, or a link leads out of the folder.
    """
    root = folder.resolve()
    entries = [entry for entry in _entries(folder, root) if not _is_text(entry)]
    if not any(entry.name.lower() in _FOLDERS and entry.is_dir() for entry in entries):
        return {WHOLE: _list_split(folder, root)}
    found: dict[str, list[ImageFile]] = {}
    for entry in entries:
        split = _FOLDERS.get(entry.name.lower())
        if split is None or not entry.is_dir() or split in found:
            raise DataError(
                f"{entry} does not belong here: a folder of images has the classes, or train and "
                "test with the classes in each, and nothing else"
            )
        found[split] = _list_split(entry, root)
    if TRAIN not in found:
        raise DataError(f"{folder} has no train folder with images: add what is missing")
    validation = found.pop(VALIDATION, [])
    if validation and TEST not in found:
        found[TEST], told = validation, "tested on, as there is no test folder"
    elif validation:
        found[TRAIN] = sorted(found[TRAIN] + validation, key=_order)
        told = "trained on, unless --validation holds some out"
    if validation and note is not None:
        note(f"{folder} has {len(validation):,} images for validation: they are {told}")
    if TEST not in found:
        return {WHOLE: found[TRAIN]}
    return {name: found[name] for name in (TRAIN, TEST)}


def read_images(folder: Path, request: Request) -> RawSplits:
    """Read all pictures as grey.

    Args:
        folder: see `list_images`. All pictures are of one size, unless ``--size`` or
            ``--handwriting`` is asked for.
        request: how they are to be read; its progress is called after each.

    Raises:
        DataError: as `list_images` and `decode`, and if a picture has another size or depth than
            the first, or they take more than `MAX_BYTES`.
    """
    files = list_images(folder, request.note)
    members = [file for split in files.values() for file in split]
    kept, images = _read_all(folder, [file.path for file in members], request)
    splits, place = {}, 0
    labels = _labels(members)
    for name, split in files.items():
        rows = kept[(kept >= place) & (kept < place + len(split))]
        first = int(np.searchsorted(kept, place))
        own = labels[rows] if all(members[row].label is not None for row in rows) else None
        splits[name] = RawSplit(images[first : first + len(rows)], own)
        place += len(split)
    return splits


def _read_all(
    folder: Path, paths: list[Path], request: Request
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Read pictures into one array; return with it the numbers of those that were read.

    Those that the handwriting pipeline finds no digit in are left out, and told.
    """
    reading, failed = request.reading, []
    kept: list[int] = []
    images: NDArray[Any] | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on metadata; sizes are checked here
        for i, path in enumerate(paths):
            if reading.handwriting:
                try:
                    image: NDArray[Any] = PREPARATIONS.make("handwriting", path)
                except DataError as error:
                    failed.append(f"{path}: {error}")
                    continue
            else:
                image = decode(path, str(path), reading.size)
            if images is None:
                _check_memory(folder, len(paths) * image.nbytes)
                images = np.empty((len(paths), *image.shape), image.dtype)
                first = path
            if image.shape != images.shape[1:]:
                raise DataError(
                    f"{path} is {_size(image.shape)} but {first} is {_size(images.shape[1:])}: "
                    "bring all to one size with --size, or drawings to MNIST's form with "
                    "--handwriting"
                )
            if image.dtype != images.dtype:
                raise DataError(
                    f"{path} has {8 * image.itemsize} bits a pixel but {first} "
                    f"{8 * images.itemsize}: save all of them alike"
                )
            images[len(kept)] = image
            kept.append(i)
            request.progress(i + 1, len(paths))
    if images is None:
        raise DataError(f"no picture in {folder} can be read: {failed[0]}")
    if failed:
        request.note(f"{len(failed):,} of {len(paths):,} pictures are left out: {failed[0]}")
    return np.array(kept, np.int64), images[: len(kept)]


def _labels(files: list[ImageFile]) -> NDArray[Any]:
    """Return the names of classes as numbers where all are whole numbers, else as words."""
    names = [file.label or "" for file in files]
    if all(not name or (name.isdecimal() and str(int(name)) == name) for name in names):
        numbers = np.array([int(name or 0) for name in names])
        return numbers.astype(np.uint8) if numbers.max(initial=0) < 256 else numbers
    return np.array(names)


def write_images(splits: Splits, folder: Path, progress: Progress) -> None:
    """Write each image as an 8-bit grey PNG, numbered so that reading gives the same order.

    Args:
        splits: of ``all`` alone, the classes' folders stand in the folder itself.
        folder: an empty folder.
        progress: called after each image.

    Raises:
        OSError: if something cannot be written.
    """
    done, total = 0, sum(map(len, splits.values()))
    for name, split in splits.items():
        place = folder if name == WHOLE else folder / name
        for label in np.unique(split.labels):
            (place / str(label)).mkdir(parents=True)
        digits = len(str(len(split) - 1))
        for i, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
            Image.fromarray(image).save(place / str(label) / f"{i:0{digits}}.png")
            done += 1
            progress(done, total)


def _list_split(folder: Path, root: Path) -> list[ImageFile]:
    entries = [entry for entry in _entries(folder, root) if not _is_text(entry)]
    if entries and not any(entry.is_dir() for entry in entries):
        files = [ImageFile(_picture(path), None) for path in entries]  # of no class
        return sorted(files, key=_order)
    files = []
    for entry in entries:
        if not entry.is_dir():
            raise DataError(f"{entry} is not the folder of a class: move it elsewhere")
        files += [ImageFile(_picture(path), entry.name) for path in _entries(entry, root)]
    if not files:
        raise DataError(f"{folder} holds no images: put pictures into the folders of its classes")
    return sorted(files, key=_order)


def _picture(path: Path) -> Path:
    if path.suffix.lower() not in ENDINGS or not path.is_file():
        raise DataError(f"{path} is no picture ({', '.join(ENDINGS)}): move it elsewhere")
    return path


def _entries(folder: Path, root: Path) -> Iterator[Path]:
    """Yield a folder's entries, except for litter; refuse links that lead out of the root."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_litter(entry.name):
                    continue
                path = Path(entry.path)
                if entry.is_symlink() and not path.resolve().is_relative_to(root):
                    raise DataError(f"{path} is a link out of {root}: put the file itself there")
                yield path
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror or error}") from None


def _is_text(path: Path) -> bool:
    return bool(_TEXTS.fullmatch(path.name)) and path.is_file()


def _order(file: ImageFile) -> tuple[Any, ...]:
    label = file.label or ""
    return _natural(file.path.stem), _natural(label), file.path


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a sort key by which ``10`` comes after ``9``."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)


def _check_memory(folder: Path, size: int) -> None:
    if size > MAX_BYTES:
        raise DataError(
            f"the images in {folder} take {size:,} bytes, over the limit of {MAX_BYTES:,}: scale "
            "them down or take fewer"
        )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]}"
