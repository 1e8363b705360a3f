"""Folders of PNG or JPEG images, one for each class: ``train/0/…`` to ``test/9/…``, or ``0/…``."""

from __future__ import annotations

import os
import re
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.common.atomic import replacing_folder
from mlp.common.errors import DataError
from mlp.data.formats.registry import FORMATS, ONE, PAIR, Format
from mlp.data.formats.request import Request
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, Progress, RawSplits, Splits
from mlp.data.raw import RawSplit

MAX_PIXELS = 1 << 20
"""The largest image that is decoded: 1,024 x 1,024."""

MAX_BYTES = 4 << 30
"""The most bytes of pixels that are read from a folder."""

ENDINGS = (".png", ".jpg", ".jpeg")

_FOLDERS = {"train": TRAIN, "training": TRAIN, "test": TEST, "testing": TEST}
_LITTER = ("thumbs.db", "desktop.ini")  # what file managers leave; so are names with a dot
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error)  # what Pillow raises of it


class ImageFile(NamedTuple):
    """Where an image is and the class whose folder it is in."""

    path: Path
    label: int


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
        return read_images(path, request.progress)

    def write(self, splits: Splits, path: Path, progress: Progress) -> None:
        with replacing_folder(path) as folder:
            write_images(splits, folder, progress)


def is_image_folder(folder: Path) -> bool:
    """Whether the folder has a subfolder that is named as a split or a class."""
    return any(
        entry.is_dir() and (entry.name in _FOLDERS or _is_class(entry.name))
        for entry in folder.iterdir()
    )


def list_images(folder: Path) -> dict[str, list[ImageFile]]:
    """List the images of each split, in order, without opening them.

    They are sorted by file name, with numbers by value, across all classes: so numbered files keep
    the order of their dataset, and others mix the classes.

    Raises:
        DataError: if an entry is neither an image nor a class, one of two splits is missing, or a
            link leads out of the folder.
    """
    root = folder.resolve()
    entries = list(_entries(folder, root))
    if any(_is_class(entry.name) for entry in entries):
        return {WHOLE: _list_split(folder, root)}
    found: dict[str, list[ImageFile]] = {}
    for entry in entries:
        split = _FOLDERS.get(entry.name)
        if split is None or not entry.is_dir() or split in found:
            raise DataError(
                f"{entry} does not belong here: a folder of images has the classes 0, 1, …, or "
                "train and test with the classes in each, and nothing else"
            )
        found[split] = _list_split(entry, root)
    if found.keys() != {TRAIN, TEST}:
        raise DataError(f"{folder} has no train and test folder with images: add what is missing")
    return {name: found[name] for name in (TRAIN, TEST)}


def read_images(folder: Path, progress: Progress) -> RawSplits:
    """Read all images as grey.

    Args:
        folder: holds the classes, or ``train`` and ``test`` (or ``training`` and ``testing``) with
            the classes in each. All images are of one size.
        progress: called after each image.

    Raises:
        DataError: as `list_images`, and if an image cannot be decoded, is over `MAX_PIXELS`, has
            another size than the first, or has transparency or more than 8 bits a colour.
    """
    files = list_images(folder)
    members = [file for split in files.values() for file in split]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on metadata; sizes are checked here
        first = _decode(members[0].path)  # (height, width)
        _check_memory(folder, len(members) * first.size)
        images = np.empty((len(members), *first.shape), np.uint8)
        for i, (path, _) in enumerate(members):
            image = _decode(path)
            if image.shape != first.shape:
                raise DataError(
                    f"{path} is {_size(image)} but {members[0].path} is {_size(first)}: "
                    "scale all images to one size"
                )
            images[i] = image
            progress(i + 1, len(members))
    labels = np.array([file.label for file in members], np.uint8)  # (N,)
    splits, start = {}, 0
    for name, split in files.items():
        splits[name] = RawSplit(images, labels)[start : start + len(split)]
        start += len(split)
    return splits


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
    files = []
    for entry in _entries(folder, root):
        if not (_is_class(entry.name) and entry.is_dir()):
            raise DataError(
                f"{entry} is not the folder of a class: those are called 0, 1, … up to 255"
            )
        for path in _entries(entry, root):
            if path.suffix.lower() not in ENDINGS or not path.is_file():
                raise DataError(f"{path} is no PNG or JPEG image: move it elsewhere")
            files.append(ImageFile(path, int(entry.name)))
    if not files:
        raise DataError(f"{folder} holds no images: put PNG or JPEG files into its classes")
    return sorted(files, key=lambda file: (_natural(file.path.stem), file.label, file.path))


def _entries(folder: Path, root: Path) -> Iterator[Path]:
    """Yield a folder's entries, except for litter; refuse links that lead out of the root."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower() in _LITTER:
                    continue
                path = Path(entry.path)
                if entry.is_symlink() and not path.resolve().is_relative_to(root):
                    raise DataError(f"{path} is a link out of {root}: put the file itself there")
                yield path
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror or error}") from None


def _is_class(name: str) -> bool:
    return name.isascii() and name.isdigit() and str(int(name)) == name and int(name) < 256


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a sort key by which ``10`` comes after ``9``."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)


def _decode(path: Path) -> NDArray[np.uint8]:
    """Read one image, shape (height, width); its size is checked before its pixels are decoded."""
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(_too_large(path, f"{image.height:,} x {image.width:,} pixels"))
            if image.mode not in ("1", "L", "P", "RGB") or "transparency" in image.info:
                raise DataError(
                    f"{path} has transparency or more than 8 bits a colour (mode {image.mode}): "
                    "save it as 8-bit grey"
                )
            return np.asarray(image.convert("L"))
    except Image.DecompressionBombError:  # Pillow refuses the largest by itself
        raise DataError(_too_large(path, "too many pixels")) from None
    except _DAMAGE as error:
        raise DataError(
            f"{path} cannot be read as a PNG or JPEG image ({error}): get it again"
        ) from None


def _too_large(path: Path, size: str) -> str:
    return f"{path} has {size}, over the limit of {MAX_PIXELS:,}: scale it down first"


def _check_memory(folder: Path, size: int) -> None:
    if size > MAX_BYTES:
        raise DataError(
            f"the images in {folder} take {size:,} bytes, over the limit of {MAX_BYTES:,}: scale "
            "them down or take fewer"
        )


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[0]} x {image.shape[1]}"
