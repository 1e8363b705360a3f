"""Data that lies in a folder of its own within another, as archives unpack."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mlp.common.errors import DataError
from mlp.common.plain_file import check_file
from mlp.data.formats.image_files import is_litter, is_text
from mlp.data.formats.registry import FORMATS, Format


class Location(NamedTuple):
    """Where data is.

    Attributes:
        place: the file or folder.
        formats: those that it looks like one of; none where it is no data.
    """

    place: Path
    formats: list[Format]


def find_inside(path: Path) -> Location:
    """Descend into folders that hold nothing but one other, and notes, and litter.

    Each folder is looked at once, since some formats list what is in it.

    Returns:
        The path itself if it is of a known format, or no folder; else the first folder or file
        inside that is of one, or where there are several or none.

    Raises:
        OSError: if a folder cannot be read.
        DataError: if there is a pipe or a device in the place of a file.
    """
    while True:
        check_file(path, DataError)
        formats = FORMATS.matching(path)
        if formats or not path.is_dir():
            return Location(path, formats)
        inside = [entry for entry in path.iterdir() if not is_litter(entry.name)]
        inside = [entry for entry in inside if not is_text(entry)] or inside
        if len(inside) != 1 or inside[0].is_symlink():
            return Location(path, [])
        path = inside[0]
