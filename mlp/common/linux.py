"""Calls of Linux that Python does not offer; elsewhere they say that they cannot."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

_AT_FDCWD, _RENAME_NOREPLACE, _RENAME_EXCHANGE = -100, 1, 2  # from fcntl.h and linux/fs.h
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)  # the kernel or the file system cannot


def exchange(first: Path, second: Path) -> bool:
    """Swap two files or folders of one file system, so that neither name is ever missing.

    Returns:
        Whether it was done; false where the system or the file system does not know how.

    Raises:
        OSError: if it knows how but cannot.
    """
    return _rename(first, second, _RENAME_EXCHANGE)


def rename_to_free(old: Path, new: Path) -> bool:
    """Rename a file or folder to a name that nothing has.

    Returns:
        Whether it was done; false where the system or the file system does not know how.

    Raises:
        FileExistsError: if something has the name.
        OSError: if it cannot for another reason.
    """
    return _rename(old, new, _RENAME_NOREPLACE)


def sync_file_system(descriptor: int) -> bool:
    """Bring everything to disk that was written to the file system of an open file.

    For a folder of many files this takes milliseconds where a sync of each takes minutes.

    Returns:
        Whether it was done; false where the system does not know how.

    Raises:
        OSError: if something cannot be written.
    """
    return _call("syncfs", descriptor)


def _rename(old: Path, new: Path, flags: int) -> bool:
    paths = (_AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new))
    return _call("renameat2", *paths, flags)


def _call(name: str, *arguments: int | bytes) -> bool:
    function = getattr(_library(), name, None)
    if function is None:
        return False
    if function(*arguments) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number))


@cache
def _library() -> Any:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
