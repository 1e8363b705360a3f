"""The pictures that names, folders and patterns stand for, and their labels."""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mlp.common.errors import DataError

STDIN = "-"

ENDINGS = {
    *(".png", ".jpg", ".jpeg", ".jpe", ".mpo", ".gif", ".bmp", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".ico", ".tga"),
    *(".heic", ".heif", ".avif", ".svg"),  # cannot be opened, but the user should hear so
}
"""What counts as a picture in a folder."""

HEADER = ["file", "label"]


class Picture(NamedTuple):
    """A picture file.

    Attributes:
        name: its path, or `STDIN`.
        label: what is written on it, if that is known.
    """

    name: str
    label: str | None = None


def find_pictures(names: Sequence[str], labels: Labels | None = None) -> list[Picture]:
    """List the pictures that names stand for, in order, each once.

    Args:
        names: files, `STDIN`, folders (for the pictures directly in them), and patterns such as
            ``*.png`` if the shell has not expanded them.
        labels: if given, the pictures get their labels; and if a folder is named, pictures that
            have a label are listed even if they are missing.

    Raises:
        DataError: if a folder or a pattern has no picture.
    """
    found = dict.fromkeys(name for argument in names for name in _expand(argument))
    if labels is None:
        return [Picture(name) for name in found]
    pictures = [Picture(name, labels.of(name)) for name in found]
    if any(Path(name).is_dir() for name in names):
        pictures += labels.missing(found)
    return pictures


class Labels:
    """What is written on pictures, from a CSV file with the columns ``file`` and ``label``.

    Args:
        path: the file; the pictures' names in it are relative to its folder.

    Raises:
        DataError: if it is missing, damaged or in another format, or labels a file twice.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self._labels: dict[str, str] = {}
        for number, (name, label) in enumerate(_rows(path), start=2):
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


def _expand(name: str) -> Iterator[str]:
    path = Path(name)
    if name != STDIN and path.is_dir():
        pictures = sorted(
            entry
            for entry in path.iterdir()
            if entry.suffix.lower() in ENDINGS and not entry.name.startswith(".")
        )
        if not pictures:
            raise DataError(f"there is no picture in the folder {name}: name another")
        yield from map(str, pictures)
    elif name != STDIN and glob.has_magic(name) and not path.exists():
        matching = sorted(match for match in glob.glob(name) if Path(match).is_file())  # noqa: PTH207
        if not matching:
            raise DataError(f"no file matches {name}: name others")
        yield from matching
    else:
        yield name


def _rows(path: Path) -> Iterator[list[str]]:
    """Read the lines below the header, two fields each."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            if [field.strip().lower() for field in next(lines, [])] != HEADER:
                raise DataError(f"{path} does not begin with the line file,label: add it")
            for line in lines:
                fields = [field.strip() for field in line]
                if not any(fields):
                    continue
                if len(fields) != len(HEADER) or not all(fields) or "\0" in line[0]:
                    raise DataError(
                        f"line {lines.line_num} of {path} is not a file and its label: correct it"
                    )
                yield fields
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a CSV file of labels ({error}): save it again") from None
