"""Whether a result may be written at a place: nothing is replaced unasked, nor another kind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection
from pathlib import Path

from mlp.common.atomic import put_back
from mlp.common.errors import MLPError, UsageError

LONGEST = 255
"""The most bytes of a name that common file systems take."""


def check_destination(path: Path, force: bool, is_folder: bool, kind: type[MLPError]) -> None:
    """Refuse a place that cannot be written or is taken.

    Args:
        path: the file or folder to be made.
        force: whether something that is there may be replaced.
        is_folder: whether a folder is to be made.
        kind: the class of the error where the file system is at fault.

    Raises:
        UsageError: if something is there that may not be replaced, or is of the other kind; or if
            the name is too long.
        MLPError: of the given kind, if the folder to write in is missing or not writable.
    """
    if len(os.fsencode(path.name)) > LONGEST:
        raise UsageError(
            f"a file's name may have {LONGEST} bytes, and that of {path} has "
            f"{len(os.fsencode(path.name))}: name another place"
        )
    above = path.resolve().parent
    if not os.path.isdir(above):  # noqa: PTH112 - pathlib raises in folders one may not enter
        raise kind(f"there is no folder {above}: make it first")
    try:
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        raise kind(
            f"nothing can be written in {above} ({error.strerror}): choose another place"
        ) from None
    put_back(path)
    if not os.path.lexists(path) or (is_folder and _is_empty_folder(path)):
        return
    if path.exists() and not path.is_dir() and not path.is_file():
        raise UsageError(f"{path} is a device or a pipe, which would be gone: name another place")
    if path.is_dir() != is_folder:
        what = ("a folder", "a file") if path.is_dir() else ("a file", "a folder")
        raise UsageError(f"{path} is {what[0]}, but {what[1]} is to be written: name another")
    if not force:
        raise taken(path)


def taken(path: Path) -> UsageError:
    """Say that something is there which may not be replaced."""
    return UsageError(f"{path} is there already: add --force to replace it, or name another place")


def check_holds_only(folder: Path, own: Collection[Path], kind: type[MLPError]) -> None:
    """Refuse to replace a folder that holds anything but the files given.

    Raises:
        MLPError: of the given kind, if there is something else in it.
    """
    known = {path.resolve() for path in own}
    for path in folder.rglob("*"):
        if (path.is_symlink() or not path.is_dir()) and path.resolve() not in known:
            raise kind(
                f"{folder} also holds {path.relative_to(folder)} and is not replaced: move that "
                "away, or name another folder"
            )


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
