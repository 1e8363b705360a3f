"""Folders of pictures, one for each class: ``train/0/…`` to ``test/9/…``, or ``cat/…``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.common.atomic import replacing_folder
from mlp.common.errors import DataError
from mlp.data.formats.image_files import (
    ImageFile,
    is_image_folder,
    is_labelled,
    list_images,
)
from mlp.data.formats.pictures import decode, prepare, to_bytes
from mlp.data.formats.registry import FORMATS, ONE, PAIR, Format
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows, rows_at_once, split_to_answer
from mlp.data.formats.splits import WHOLE, Progress, RawSplits, Written
from mlp.data.inputs import Pixels
from mlp.data.raw import RawSplit

MAX_BYTES = 4 << 30
"""The most bytes of pixels that are read from a folder."""

PATH_NAMES = ("file", "filename", "path", "image")
"""What a column with the pictures' paths may be called."""

LONGEST_NUMBER = 19
"""As many digits are too many for a whole number of 64 bits, by and large."""

_AT_ONCE = 1_000  # pictures read before they are answered


@FORMATS.register("images")
class ImageFolder(Format):
    """A folder of each class, or folders ``train`` and ``test`` of such folders."""

    title = "a folder of images"
    in_parts = True
    takes = frozenset({"size", "handwriting"})
    holds = (PAIR, ONE)

    def matches(self, path: Path) -> bool:
        return is_image_folder(path) and not is_labelled(path)

    def files(self, path: Path) -> list[Path]:
        return [file.path for split in self.listed(path).values() for file in split]

    def listed(
        self, path: Path, note: Callable[[str], None] | None = None
    ) -> dict[str, list[ImageFile]]:
        """List the pictures of each split; see `list_images`."""
        return list_images(path, note)

    def read(self, path: Path, request: Request) -> RawSplits:
        return read_images(path, self.listed(path, request.note), request)

    def rows(self, path: Path, request: Request, asked: Asked) -> Iterator[Rows]:
        splits = self.listed(path, request.note)
        files = splits[split_to_answer(splits, path, request.note)]
        step = min(rows_at_once(asked.width), _AT_ONCE)
        for start in range(0, len(files), step):
            part = files[start : start + step]
            kept, images = _read_all(path, [file.path for file in part], request)
            if request.reading.size and isinstance(asked.inputs, Pixels) and asked.inputs.is_plain:
                images = to_bytes(images)
            read = [part[i] for i in kept]
            labels = _labels(read) if all(file.label is not None for file in read) else None
            texts = [file.path.relative_to(path).as_posix() for file in read]
            passed = {name: texts for name in asked.names if name.lower() in PATH_NAMES}
            yield Rows(RawSplit(images, labels), kept + start + 1, passed)

    def write(self, splits: Written, path: Path, progress: Progress) -> None:
        with replacing_folder(path) as folder:
            write_images(splits, folder, progress)


def read_images(folder: Path, files: dict[str, list[ImageFile]], request: Request) -> RawSplits:
    """Read all pictures as grey.

    Args:
        folder: where they are, for messages.
        files: the pictures of each split. All are of one size, unless ``--size`` or
            ``--handwriting`` is asked for; and of one depth, unless ``--size`` is: all are bytes
            then if one is.
        request: how they are to be read; its progress is called after each.

    Raises:
        DataError: as `decode`, and if a picture has another size or depth than
            the first, or they take more than `MAX_BYTES`.
    """
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
                    image: NDArray[Any] = prepare("handwriting", path)
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
            if image.dtype != images.dtype and reading.size is None:
                raise DataError(
                    f"{path} has {8 * image.itemsize} bits a pixel but {first} "
                    f"{8 * images.itemsize}: save all of them alike"
                )
            if image.dtype != images.dtype:
                image, images = to_bytes(image), to_bytes(images)
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
    if all(not name or _is_number(name) for name in names):
        numbers = np.array([int(name or 0) for name in names])
        return numbers.astype(np.uint8) if numbers.max(initial=0) < 256 else numbers
    return np.array(names)


def _is_number(name: str) -> bool:
    """Whether a name is a whole number that an array holds, as it is written itself."""
    return name.isdecimal() and len(name) < LONGEST_NUMBER and str(int(name)) == name


def write_images(splits: Written, folder: Path, progress: Progress) -> None:
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
        digits, start = len(str(len(split) - 1)), done
        pairs = chain.from_iterable(
            zip(part.images, part.labels, strict=True) for part in split.parts()
        )
        for image, label in pairs:
            (place / str(label)).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / str(label) / f"{done - start:0{digits}}.png")
            done += 1
            progress(done, total)


def _check_memory(folder: Path, size: int) -> None:
    if size > MAX_BYTES:
        raise DataError(
            f"the images in {folder} take {size:,} bytes, over the limit of {MAX_BYTES:,}: scale "
            "them down or take fewer"
        )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]}"
