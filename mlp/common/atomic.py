"""Writing a file or a folder whole or not at all, even if the process is killed on the way.

Until it is complete and on disk, what is written lies beside its place as ``.NAME.PROCESS.tmp``.
What a killed process leaves there is deleted by the next write into the same folder.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from mlp.common import linux

IN_PLACE = "the new one is in place, but a power cut may undo that"
"""What an error says that comes after the rename; after any other, the old one is in place."""

_NAMES = re.compile(r"\.(?P<name>.+)\.(?P<system>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]+\.(tmp|old)")

LONGEST = 180
"""The most bytes of a name that stand in the name of its temporary; a file's may have 255."""

_writing: set[str] = set()
"""The names of this process's own temporaries: another one with its number is an earlier one's."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new binary file that takes the place of ``path`` once the block has ended well.

    Until then it lies beside ``path`` under a name of its own; if the block raises, it is
    deleted and whatever was at ``path`` stays as it was. File and folder are synced, so that a
    power cut, too, leaves the old file or the new one.

    Raises:
        OSError: if the folder is missing, not writable or full. The old file is then in place; the
            new one is where the error says `IN_PLACE`.
    """
    sweep(path.parent)
    inside = not _writing.isdisjoint(
        path.parts
    )  # a folder of `replacing_folder`, synced at its end
    # Not tempfile: its files are closed to everyone but their owner, and stay so when renamed.
    with _beside(path, "tmp") as (temporary,):
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                if not inside:
                    os.fsync(file.fileno())  # or a crash could leave the name on an empty file
            with nullcontext() if inside else _synced(path.parent):
                temporary.replace(path)
        except OSError as error:
            if error.filename is None:
                error.filename = str(path)
            raise
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Make a new folder that takes the place of ``path`` once the block has ended well.

    As `replacing` does for a file; a folder that was at ``path`` is deleted with all that is in
    it. Where the system cannot swap two folders at once, a process that is killed between two
    renames leaves none at ``path``; `put_back` and the next write bring the old one back.

    Raises:
        OSError: as `replacing`; also if there is a file at ``path``.
    """
    path = path.resolve()
    put_back(path)
    sweep(path.parent)
    with _beside(path, "tmp", "old") as (temporary, old):
        try:
            temporary.mkdir()
            yield temporary
            _sync_tree(temporary)
            with _synced(path.parent):
                _swap(temporary, path, old)
        finally:
            if old.exists() and not path.exists():
                old.rename(path)
            for leftover in (temporary, old):
                shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def claiming(path: Path) -> Iterator[Path]:
    """Name a place for a new file or folder that takes ``path`` once the block has ended well.

    It takes it only if nothing is there by then but an empty folder. So of two processes that
    write to one name at once, one gets it and the other is told.

    Raises:
        FileExistsError: if something is there.
        OSError: as `replacing`.
    """
    sweep(path.parent)
    with _beside(path, "tmp") as (temporary,):
        try:
            temporary.mkdir()
            yield temporary / path.name
            _sync_tree(temporary)
            with _synced(path.parent):
                _claim(temporary / path.name, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Delete what killed processes left while they wrote into a folder, and put folders back."""
    for leftover, name in _leftovers(folder):
        with suppress(OSError):
            _put_back(leftover, folder / name)
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)


def put_back(path: Path) -> None:
    """Bring back the old folder where a process was killed while it replaced it."""
    if not os.path.lexists(path):
        for leftover, name in _leftovers(path.parent):
            if name == _shortened(path.name):
                with suppress(OSError):
                    _put_back(leftover, path)


@contextmanager
def _beside(path: Path, *endings: str) -> Iterator[list[Path]]:
    """Name temporaries of this process beside a path."""
    stem = f".{_shortened(path.name)}.{_system()}-{os.getpid()}-{secrets.token_hex(4)}"
    names = [f"{stem}.{ending}" for ending in endings]
    _writing.update(names)
    try:
        yield [path.with_name(name) for name in names]
    finally:
        _writing.difference_update(names)


@contextmanager
def _synced(folder: Path) -> Iterator[None]:
    """Sync a folder after the block has renamed something in it."""
    with _opened(folder) as descriptor:
        yield
        try:
            _sync_folder(descriptor)
        except OSError as error:
            raise OSError(error.errno, f"{IN_PLACE}: {error.strerror}") from error


@contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    """Open a folder to sync it; None where the system or the folder's rights forbid it."""
    descriptor = None
    if os.name != "nt":  # Windows opens no folders
        with suppress(PermissionError):  # one may write in a folder that one may not list
            descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _sync_folder(descriptor: int | None) -> None:
    if descriptor is not None:
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not every file system can
                raise


def _sync_tree(folder: Path) -> None:
    """Sync a folder with all that is in it."""
    with _opened(folder) as descriptor:
        if descriptor is not None and linux.sync_file_system(descriptor):
            return
        for path in folder.iterdir():
            if path.is_dir():
                _sync_tree(path)
            else:
                with path.open("rb+") as file:
                    os.fsync(file.fileno())
        _sync_folder(descriptor)


def _swap(new: Path, path: Path, old: Path) -> None:
    """Let a folder take another's place, whose content is then at ``new`` or ``old``."""
    if not path.exists():
        new.rename(path)
    elif not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    elif not linux.exchange(new, path):
        path.rename(old)
        new.rename(path)


def _claim(new: Path, path: Path) -> None:
    """Rename a file or folder to a name that nothing has but an empty folder."""
    is_folder = new.is_dir()
    if is_folder:
        with suppress(OSError):  # it is not there, or not empty
            path.rmdir()
    if linux.rename_to_free(new, path):
        return
    if is_folder:
        path.mkdir()  # which replaces nothing, while a rename replaces an empty folder
    elif os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    else:
        try:
            os.link(new, path)  # which replaces nothing
            return
        except FileExistsError:
            raise
        except OSError:  # this file system has no links
            pass
    new.rename(path)


def _shortened(name: str) -> str:
    """Shorten a name so that a temporary's, which is longer, is still one that a file can have."""
    encoded = os.fsencode(name)
    if len(encoded) <= LONGEST:
        return name
    return f"{os.fsdecode(encoded[: LONGEST - 9])}~{crc32(encoded):08x}"


def _put_back(leftover: Path, path: Path) -> None:
    if leftover.suffix == ".old" and not os.path.lexists(path):
        leftover.rename(path)


def _leftovers(folder: Path) -> Iterator[tuple[Path, str]]:
    """Find the temporaries of dead processes in a folder, and what each was to become."""
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError:  # missing, or closed to us: whoever writes there will be told
        return
    for name in names:
        match = _NAMES.fullmatch(name)
        if match and match["system"] == _system() and _is_dead(int(match["pid"]), name):
            yield folder / name, match["name"]


def _is_dead(pid: int, name: str) -> bool:
    if pid == os.getpid():
        return name not in _writing
    if os.name == "nt":  # where this would send Ctrl-C
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # another user's
        pass
    return False


def _system() -> str:
    """Name where a process number holds: this machine, and on Linux this container."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        space = 0
    return f"{crc32(f'{platform.node()} {space}'.encode()):08x}"
