"""A lock on a folder, which ends with the process that holds it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlp.common.errors import UsageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
"""The file's name. It stays when the lock is given back: one that is deleted could be held twice,
by who opened it before and who made it anew."""

_held: set[int] = set()
"""The descriptors of this process's locks."""


@contextmanager
def locked(folder: Path, on_warning: Callable[[str], None]) -> Iterator[None]:
    """Hold a folder's lock; the system takes it back when this process ends, however it does.

    Args:
        folder: the folder.
        on_warning: called with a sentence where this system or folder has no such locks.

    Raises:
        UsageError: if a process holds it.
        OSError: if the lock's file cannot be made.
    """
    if fcntl is None:
        on_warning(f"this system locks no files: see to it that nothing else trains into {folder}")
        yield
        return
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    _held.add(descriptor)
    try:
        _take(descriptor, folder, on_warning)
        yield
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Tell whether a process, which may be this one, holds a folder's lock."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _take(descriptor: int, folder: Path, on_warning: Callable[[str], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
        raise UsageError(
            f"process {holder or 'unknown'} is training into {folder}: wait for it, stop it, or "
            "name another folder"
        ) from None
    except OSError as error:  # some network file systems
        on_warning(
            f"{folder} cannot be locked ({error.strerror}): see to it that nothing else trains "
            "into it"
        )
        return
    with suppress(OSError):  # a full disk: the number only informs
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _let_go() -> None:
    """Close the parent's locks in a process that a program forks, which would else hold them on."""
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
