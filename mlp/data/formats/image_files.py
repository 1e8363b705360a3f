"""Where the pictures of a folder of classes are, found without opening one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mlp.common.errors import DataError
from mlp.data.formats.label_file import label_files
from mlp.data.formats.pictures import ENDINGS
from mlp.data.raw import TEST, TRAIN, VALIDATION, WHOLE

_FOLDERS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("test", "testing"), TEST),
    **dict.fromkeys(("val", "valid", "validation"), VALIDATION),
}
_LITTER = ("thumbs.db", "desktop.ini", "__macosx")  # as names with a dot: of file managers
_TEXTS = re.compile(
    r"(readme|licen[cs]e|citation)(\W.*)?|.*\.(txt|md|rst|json|ya?ml|xml|html?|cff|pdf)",
    re.IGNORECASE,
)
"""What people write about their pictures; tables of labels among it are read by `PictureList`."""


class ImageFile(NamedTuple):
    """Where a picture is, and the class whose folder it is in; None where it is in none."""

    path: Path
    label: str | None


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


def is_labelled(folder: Path) -> bool:
    """Whether there is a table of labels in a folder, and pictures in it or right below it."""
    return any(label_files(folder)) and (
        holds_pictures(folder)
        or any(entry.is_dir() and holds_pictures(entry) for entry in folder.iterdir())
    )


def split_named(name: str) -> str | None:
    """Return the split that a folder or file of this name holds; None where it is of none."""
    return _FOLDERS.get(name.lower())


def holds_pictures(folder: Path) -> bool:
    """Whether there are pictures right in a folder."""
    return any(path.suffix.lower() in ENDINGS for path in folder.iterdir())


def is_litter(name: str) -> bool:
    """Whether file managers leave files and folders of this name."""
    return name.startswith(".") or name.lower() in _LITTER


def is_text(path: Path) -> bool:
    """Whether a file is what people write about their pictures, by its name."""
    return bool(_TEXTS.fullmatch(path.name)) and path.is_file()


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
    entries = [entry for entry in _entries(folder, root) if not is_text(entry)]
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


def _list_split(folder: Path, root: Path) -> list[ImageFile]:
    entries = [entry for entry in _entries(folder, root) if not is_text(entry)]
    if entries and not any(entry.is_dir() for entry in entries):
        files = [ImageFile(_picture(path), None) for path in entries]  # of no class
        return sorted(files, key=_order)
    files = []
    for entry in entries:
        if not entry.is_dir():
            raise DataError(f"{entry} is not the folder of a class: move it elsewhere")
        inside = (path for path in _entries(entry, root) if not is_text(path))
        files += [ImageFile(_picture(path), entry.name) for path in inside]
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


def _order(file: ImageFile) -> tuple[Any, ...]:
    label = file.label or ""
    return _natural(file.path.stem), _natural(label), file.path


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a sort key by which ``10`` comes after ``9``."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)
