"""Calls of Linux that Python does not offer; elsewhere they say that they cannot."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from functools import cache
from pathlib import Path
from typing import Any

_AT_FDCWD, _RENAME_NOREPLACE, _RENAME_EXCHANGE = -100, 1, 2  # from fcntl.h and linux/fs.h
_FUTEX = {"x86_64": 202, "aarch64": 98}  # the number of the system call, from asm/unistd.h
_FUTEX_WAIT, _FUTEX_WAKE, _ALL = 0, 1, 0x7FFFFFFF  # from linux/futex.h
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


def sleep_while(word: ctypes.c_int32, value: int, seconds: float) -> bool:
    """Sleep until `wake` is called for a word of memory, if it has this value; or for some time.

    Args:
        word: in memory that may be shared with other processes.
        value: what it was when it was looked at: if it is another by now, there is no sleep.
        seconds: the longest sleep.

    Returns:
        Whether the system knows how; if not, there was no sleep.
    """
    whole, rest = divmod(int(seconds * 1e9), 1_000_000_000)
    return _futex(word, _FUTEX_WAIT, value, ctypes.byref(_Timespec(whole, rest)))


def wake(word: ctypes.c_int32) -> bool:
    """Wake all that sleep at a word, in this process and others; false if it is unknown how."""
    return _futex(word, _FUTEX_WAKE, _ALL, None)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


def _futex(word: ctypes.c_int32, operation: int, value: int, timeout: Any) -> bool:
    library, number = _library(), _FUTEX.get(platform.machine())
    if library is None or number is None or ctypes.sizeof(ctypes.c_long) != 8:
        return False
    library.syscall(ctypes.c_long(number), ctypes.byref(word), operation, value, timeout, None, 0)
    return True


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
