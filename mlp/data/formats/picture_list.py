"""A folder of pictures and, beside them, tables of their labels, as competitions give them away."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mlp.common.errors import DataError
from mlp.data.formats.arrays import join_validation
from mlp.data.formats.image_files import ImageFile, is_labelled, split_named
from mlp.data.formats.image_folder import ImageFolder
from mlp.data.formats.label_file import label_files, read_label_file
from mlp.data.formats.pictures import ENDINGS
from mlp.data.formats.registry import FORMATS, ReadFormat
from mlp.data.formats.request import Request
from mlp.data.formats.splits import RawSplits
from mlp.data.raw import TRAIN, WHOLE


@FORMATS.register("picture-list")
class PictureList(ReadFormat, ImageFolder):  # type: ignore[misc]  # it writes nothing
    """Pictures in the folder, or in one within, and ``labels.csv``, or ``train.csv`` and others."""

    title = "a folder of pictures with a table of labels"

    def matches(self, path: Path) -> bool:
        return path.is_dir() and is_labelled(path)

    def listed(
        self, path: Path, note: Callable[[str], None] | None = None
    ) -> dict[str, list[ImageFile]]:
        return list_labelled(path)

    def read(self, path: Path, request: Request) -> RawSplits:
        return join_validation(super().read(path, request), path, request.note)


def list_labelled(folder: Path) -> dict[str, list[ImageFile]]:
    """List the pictures that tables name, in their order, by split.

    Tables called as splits are, such as ``train.csv``, are of these; one called otherwise is of
    all. A name is a path from the folder, from a folder in it that is called as the table or its
    split is, or from any folder in it that alone has such a picture; its ending may be left away.

    Raises:
        DataError: if a picture is missing or named twice, or lies outside of the folder.
    """
    root, found, places = folder.resolve(), dict[str, list[ImageFile]](), _Places(folder)
    tables = list(label_files(folder))
    for table in tables:
        split = _split_of(table.stem)
        if split in found or (found and WHOLE in (split, *found)):
            raise DataError(
                f"{folder} has several tables of labels, {' and '.join(t.name for t in tables)}: "
                "call one train and the other test, or move one elsewhere"
            )
        seen = set[Path]()
        found[split] = []
        for name, label in read_label_file(table):
            path = places.find(table, split, name)
            if not path.resolve().is_relative_to(root):
                raise DataError(f"{table} names {name}, which lies outside of {folder}: move it")
            if path in seen:
                raise DataError(f"{table} labels {name} again: leave one out")
            seen.add(path)
            found[split].append(ImageFile(path, label))
        if not found[split]:
            raise DataError(f"{table} names no pictures: add some")
    if not found.keys() & {TRAIN, WHOLE}:
        raise DataError(f"{folder} has no labels to train on: add train.csv")
    if found.keys() == {TRAIN}:
        return {WHOLE: found[TRAIN]}
    return found


def _split_of(name: str) -> str:
    """Return the split that a word of a name says, as in ``digits_train``."""
    words = re.findall(r"[a-z]+", name.lower())
    return next((split for word in words if (split := split_named(word))), WHOLE)


class _Places:
    """Where the pictures of a folder may be that a table names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inner = [entry for entry in folder.iterdir() if entry.is_dir()]
        self._inside: dict[str, list[Path]] | None = None

    def find(self, table: Path, split: str, name: str) -> Path:
        """Find a picture by its name in a table.

        Raises:
            DataError: if there is none, or several.
        """
        endings = ("", *ENDINGS) if Path(name).suffix.lower() not in ENDINGS else ("",)
        called = [entry for entry in self._inner if split_named(entry.name) == split]
        for place in (self._folder, self._folder / table.stem, *called):
            for ending in endings:
                if _is_file(path := place / f"{name}{ending}"):
                    return path
        there = [path for ending in endings for path in self._within(f"{name}{ending}")]
        if len(there) != 1:
            what = "is not there" if not there else f"is in {len(there)} folders"
            raise DataError(
                f"{name}, which {table} labels, {what}: name its path from {self._folder}"
            )
        return there[0]

    def _within(self, name: str) -> list[Path]:
        """Return the files of this name, or path, in the folders within; each is listed once."""
        if Path(name).name != name:
            return [path for entry in self._inner if _is_file(path := entry / name)]
        if self._inside is None:
            self._inside = {}
            for entry in self._inner:
                with suppress(OSError):  # one that may not be read has none to find
                    for path in entry.iterdir():
                        self._inside.setdefault(path.name, []).append(path)
        return [path for path in self._inside.get(name, []) if path.is_file()]


def _is_file(path: Path) -> bool:
    """Whether there is a file; a name that no system takes is none's."""
    try:
        return path.is_file()
    except OSError:
        return False
