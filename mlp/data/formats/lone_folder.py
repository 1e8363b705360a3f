"""Data that lies in a folder of its own within another, as archives unpack."""

from __future__ import annotations

from pathlib import Path

from mlp.data.formats.image_files import is_litter, is_text
from mlp.data.formats.registry import FORMATS


def find_inside(path: Path) -> Path:
    """Descend into folders that hold nothing but one other, and notes, and litter.

    Returns:
        The first folder or file inside that is of a known format, or where there are several or
        none; the path itself if it is of a known format, or no folder.

    Raises:
        OSError: if a folder cannot be read.
    """
    while path.is_dir() and not FORMATS.matching(path):
        inside = [entry for entry in path.iterdir() if not is_litter(entry.name)]
        inside = [entry for entry in inside if not is_text(entry)] or inside
        if len(inside) != 1 or inside[0].is_symlink():
            break
        path = inside[0]
    return path
