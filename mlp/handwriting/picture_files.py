"""The pictures that names, folders and patterns stand for, and their labels."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mlp.common.errors import DataError
from mlp.data.formats.label_file import read_label_file
from mlp.handwriting.pages import PAGED, count_pages

STDIN = "-"

ENDINGS = {
    *(".png", ".jpg", ".jpeg", ".jpe", ".mpo", ".gif", ".bmp", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".ico", ".tga"),
    *(".heic", ".heif", ".pdf"),  # with an extra
    *(".avif", ".svg"),  # cannot be opened, but the user should hear so
}
"""What counts as a picture in a folder."""


class Picture(NamedTuple):
    """A picture file.

    Attributes:
        name: its path, or `STDIN`.
        label: what is written on it, if that is known.
    """

    name: str
    label: str | None = None


def find_pictures(
    names: Sequence[str], labels: Labels | None = None, classes: Collection[str] = ()
) -> list[Picture]:
    """List the pictures that names stand for, in order, each once.

    Args:
        names: files, `STDIN`, folders (for the pictures in them and in folders within), and
            patterns such as ``*.png`` if the shell has not expanded them.
        labels: if given, the pictures get their labels; and if a folder is named, pictures that
            have a label are listed even if they are missing.
        classes: the names that a folder within a folder gives to its pictures as their label.

    Raises:
        DataError: if a folder or a pattern has no picture.
    """
    found = {
        page: label
        for argument in names
        for name, label in _expand(argument)
        for page in _pages(name)
    }
    if labels is None:
        return [Picture(name, label if label in classes else None) for name, label in found.items()]
    pictures = [Picture(name, labels.of(name)) for name in found]
    if any(Path(name).is_dir() for name in names):
        pictures += labels.missing(found)
    return pictures


class Labels:
    """What is written on pictures, from a CSV file with the columns ``file`` and ``label``.

    They may have other common headings, with commas, semicolons or tabs between.

    Args:
        path: the file; the pictures' names in it are relative to its folder.

    Raises:
        DataError: if it is missing, damaged or in another format, or labels a file twice.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self._labels: dict[str, str] = {}
        for number, (name, label) in enumerate(read_label_file(path), start=2):
            if name in self._labels:
                raise DataError(f"line {number} of {path} labels {name} again: leave one out")
            self._labels[name] = label
        self._by_path = {_real(self._folder / name): name for name in self._labels}

    def of(self, name: str) -> str | None:
        """Return the label of this file, or else of a file with the same name elsewhere."""
        known = self._by_path.get(_real(name), Path(name).name)
        return self._labels.get(known)

    def missing(self, found: Iterable[str]) -> list[Picture]:
        """Return the pictures that have a label but are not among those found."""
        paths = {_real(name) for name in found}
        file_names = {path.name for path in paths}
        return [
            Picture(str(self._folder / name), self._labels[name])
            for path, name in self._by_path.items()
            if path not in paths and name not in file_names
        ]


def _real(path: str | Path) -> Path:
    """Follow the links of a path; one that turns in a circle is left as it is."""
    return Path(os.path.realpath(path))


def _expand(name: str) -> Iterator[tuple[str, str | None]]:
    """Yield the pictures of a name, each with the name of the folder within a folder it lies in."""
    path = Path(name)
    if name != STDIN and path.is_dir():
        pictures = list(_pictures_in(path))
        if not pictures:
            raise DataError(f"there is no picture in the folder {name}: name another")
        for picture in pictures:
            yield str(picture), picture.parent.name if picture.parent != path else None
    elif name != STDIN and glob.has_magic(name) and not path.exists():
        matching = sorted(match for match in glob.glob(name) if Path(match).is_file())  # noqa: PTH207
        if not matching:
            raise DataError(f"no file matches {name}: name others")
        yield from ((match, None) for match in matching)
    else:
        yield name, None


def _pages(name: str) -> Iterator[str]:
    """Yield a name, and those of further pages where its file may have some: ``scan.pdf#2``."""
    yield name
    if name.lower().endswith(PAGED):
        yield from (f"{name}#{page}" for page in range(2, count_pages(Path(name)) + 1))


def _pictures_in(folder: Path) -> Iterator[Path]:
    """Yield the pictures in a folder, then those in folders within it; links are not followed."""
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    yield from (
        entry for entry in entries if entry.suffix.lower() in ENDINGS and not _is_inner(entry)
    )
    for entry in entries:
        if _is_inner(entry) and entry.name != "__MACOSX":
            yield from _pictures_in(entry)


def _is_inner(entry: Path) -> bool:
    return entry.is_dir() and not entry.is_symlink()
