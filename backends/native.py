"""The C function that goes through a table of calls, and the loops that it calls: NumPy's own."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

Replay = Callable[[int, int], int | None]
"""Called with the addresses of a row of a table and of the table's end; gives Python's lock away.

Returns the address of the row where it stopped, as a wait is not over; None behind the last one."""

Loop = tuple[int, int]
"""The address of a loop, and what the ufunc passes to it."""

SOURCE = Path(__file__).with_name("replay.c")

PATIENCE = 60.0
"""Seconds that a compiler may take."""


class _UFunc(ctypes.Structure):
    """The beginning of ``PyUFuncObject``, of NumPy's ``ufuncobject.h``, after Python's own part."""

    _fields_ = (
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.c_char)),
    )


@cache
def loops_of(ufunc: np.ufunc) -> dict[str, Loop]:
    """Return the loops of a ufunc by the dtypes of its arrays, such as ``"fff"``.

    There are none if the object is not as NumPy's header has it.
    """
    found = _UFunc.from_address(id(ufunc) + object.__basicsize__)
    counts = found.nin, found.nout, found.nargs, found.ntypes
    if counts != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes) or not found.types:
        return {}
    chars = [signature.replace("->", "") for signature in ufunc.types]
    numbers = bytes(np.dtype(char).num for char in "".join(chars))
    if found.types[: len(numbers)] != numbers:
        return {}
    data = found.data if found.data else [None] * len(chars)
    loops = list(zip(chars, found.functions, data, strict=False))  # a pointer has no end
    return {char: (function, datum or 0) for char, function, datum in reversed(loops) if function}


@cache
def open_replay() -> Replay | None:
    """Open the C function, which is compiled once for each user.

    Returns:
        The function; None without a C compiler ``cc`` or a cache folder that can be written to, or
        on another system than Linux.
    """
    if sys.platform != "linux" or sys.implementation.name != "cpython":
        return None
    try:
        replay = _library().replay
    except (OSError, RuntimeError, AttributeError, subprocess.SubprocessError):
        return None
    replay.argtypes, replay.restype = (ctypes.c_void_p, ctypes.c_void_p), ctypes.c_void_p
    return replay


def _library() -> ctypes.CDLL:
    """Open the compiled library in the user's cache; it is made if it is not there, or damaged.

    Raises:
        OSError: without a compiler, if the folder cannot be written to, or if others could have put
            a library of their own there.
        RuntimeError: if the user has no home.
        subprocess.SubprocessError: if the compiler fails.
    """
    source = SOURCE.read_bytes()
    name = f"replay-{hashlib.sha256(source).hexdigest()[:16]}-{platform.machine()}.so"
    told = Path(os.environ.get("XDG_CACHE_HOME", ""))
    cache = told if told.is_absolute() else Path("~/.cache").expanduser()
    library = cache / "mlp" / "compiled" / name
    if library.exists():
        _check_owner(library.parent, library)
        with suppress(OSError):  # half of it is there, or it is another system's
            return ctypes.CDLL(str(library))
    _compile(library)
    return ctypes.CDLL(str(library))


def _compile(library: Path) -> None:
    """Compile the source; raises what `_library` does."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise FileNotFoundError("there is no C compiler")
    folder = library.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_owner(folder)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        made = Path(place) / library.name
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(made), str(SOURCE)]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
        made.chmod(0o700)
        made.replace(library)  # at once, whoever else does the same now


def _check_owner(*paths: Path) -> None:
    """Refuse what others could have written to: it is run as this user."""
    for path in paths:
        found = path.stat()
        if found.st_uid not in (0, os.geteuid()) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
