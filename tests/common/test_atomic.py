"""Files and folders are written whole or not at all: over old ones, and on a disk that refuses."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from faults import Around
from injector import another_system

from mlp.common import atomic, linux
from mlp.common.atomic import IN_PLACE, claiming, put_back, replacing, replacing_folder


def write(path: Path, content: bytes = b"new") -> None:
    with replacing(path) as file:
        file.write(content)


def write_folder(path: Path, content: bytes = b"new") -> None:
    with replacing_folder(path) as folder:
        (folder / "file").write_bytes(content)


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


# Files


@pytest.mark.parametrize("old", [b"old", None], ids=["over a file", "a new file"])
def test_a_file_is_replaced(old: bytes | None, tmp_path: Path) -> None:
    if old is not None:
        (tmp_path / "m").write_bytes(old)
    write(tmp_path / "m")
    assert tree(tmp_path) == {"m": b"new"}


def test_a_new_file_has_the_usual_rights(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write(tmp_path / "m")
    assert (tmp_path / "m").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize("old", [b"old", None], ids=["over a file", "a new file"])
def test_a_failure_leaves_things_as_they_were(
    error: BaseException,
    failing: str,
    old: bytes | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise error

    if old is not None:
        (tmp_path / "m").write_bytes(old)
    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(type(error)):
        write(tmp_path / "m")
    assert tree(tmp_path) == ({} if old is None else {"m": old})


def test_a_system_that_refuses_half_way(tmp_path: Path) -> None:
    """The kernel's own limit on a file's size stops the writing after 100 bytes."""
    resource = pytest.importorskip("resource", reason="limits are a Unix matter")
    (tmp_path / "m").write_bytes(b"old")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, usual[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write(tmp_path / "m", bytes(1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert tree(tmp_path) == {"m": b"old"}


def test_the_new_file_is_complete_before_it_takes_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, replace = tmp_path / "m", os.replace
    path.write_bytes(b"old")
    seen = []

    def watch(source: Path, target: Path) -> None:
        seen.append((Path(source).read_bytes(), path.read_bytes(), Path(source).parent))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watch)
    write(path)
    assert seen == [(b"new", b"old", tmp_path)]
    assert path.read_bytes() == b"new"


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "none" / "m")


def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    with pytest.raises(OSError, match="m"):
        write(tmp_path / "m")
    assert tree(tmp_path) == {"m": None}


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(PermissionError):
            write(tmp_path / "m")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


# Folders


def test_a_folder_is_replaced_with_all_that_is_in_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "d", b"old")
    (tmp_path / "d" / "more").touch()
    write_folder(tmp_path / "d")
    assert tree(tmp_path) == {"d": None, "d/file": b"new"}


@pytest.mark.parametrize("failing", [0, 1], ids=["old aside", "new in place"])
def test_a_folder_that_cannot_be_moved_leaves_the_old_one(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "d", b"old")
    rename, calls = Path.rename, []

    def fail(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == failing + 1:
            raise OSError(errno.EACCES, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with another_system(), pytest.raises(OSError, match="Permission denied"):
        write_folder(tmp_path / "d")
    assert tree(tmp_path) == {"d": None, "d/file": b"old"}


def test_folders_are_swapped_at_once_where_the_system_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "d", b"old")
    swapped = []

    def exchange(new: Path, path: Path) -> bool:
        swapped.append((tree(new), tree(path)))
        return linux_exchange(new, path)

    linux_exchange = linux.exchange
    monkeypatch.setattr(linux, "exchange", exchange)
    write_folder(tmp_path / "d")
    assert swapped == [({"file": b"new"}, {"file": b"old"})]
    assert tree(tmp_path) == {"d": None, "d/file": b"new"}


def test_a_file_in_the_folders_place_stays(tmp_path: Path) -> None:
    (tmp_path / "d").write_bytes(b"old")
    with pytest.raises(NotADirectoryError):
        write_folder(tmp_path / "d")
    assert tree(tmp_path) == {"d": b"old"}


@pytest.mark.parametrize("system", [nullcontext, another_system])
def test_what_is_in_a_new_folder_is_on_disk_before_it_takes_the_place(
    system: Around, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path | str] = []
    monkeypatch.setattr(os, "fsync", lambda f: synced.append(Path(f"/proc/self/fd/{f}").readlink()))
    if system is nullcontext:
        monkeypatch.setattr(linux, "sync_file_system", lambda f: synced.append("all") or True)
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("the system does not tell the name of an open file")
    with system(), replacing_folder(tmp_path / "d") as folder:
        (folder / "deeper").mkdir()
        (folder / "deeper" / "file").write_bytes(b"new")
        write(folder / "whole")
        assert not synced, "it is synced with the folder that it lies in"
    inside = ["deeper/file", "deeper", "whole", "."] if system is another_system else ["all"]
    names = ["all" if name == "all" else os.path.relpath(name, folder) for name in synced]
    assert sorted(names[:-1]) == sorted(inside)
    assert synced[-1] == tmp_path


def test_an_interrupted_folder_leaves_the_old_one(tmp_path: Path) -> None:
    write_folder(tmp_path / "d", b"old")

    def interrupted() -> None:
        with replacing_folder(tmp_path / "d") as folder:
            (folder / "file").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert tree(tmp_path) == {"d": None, "d/file": b"old"}


# What a killed process leaves


def leave(path: Path, ending: str, pid: int | None = None, system: str | None = None) -> Path:
    """Make what a process leaves beside a path, this one's unless told otherwise."""
    name = f".{path.name}.{system or atomic._system()}-{pid or os.getpid()}-0123abcd.{ending}"
    leftover = path.with_name(name)
    if path.suffix:
        leftover.write_bytes(b"half")
    else:
        leftover.mkdir()
        (leftover / "file").write_bytes(b"left")
    return leftover


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("name", ["m.bin", "other.bin", "d"])
def test_the_next_write_into_a_folder_deletes_what_the_dead_left(
    name: str, dead: int, tmp_path: Path
) -> None:
    leave(tmp_path / name, "tmp", dead)
    write(tmp_path / "m.bin")
    assert tree(tmp_path) == {"m.bin": b"new"}


def test_an_earlier_process_of_the_same_number_is_dead(tmp_path: Path) -> None:
    leave(tmp_path / "m.bin", "tmp")
    write(tmp_path / "m.bin")
    assert tree(tmp_path) == {"m.bin": b"new"}


@pytest.mark.parametrize("who", ["a living process", "another machine", "nobody of ours"])
def test_what_may_be_in_use_stays(who: str, dead: int, tmp_path: Path) -> None:
    if who == "a living process":
        leftover = leave(tmp_path / "m.bin", "tmp", os.getppid())
    elif who == "another machine":
        leftover = leave(tmp_path / "m.bin", "tmp", dead, "00000000")
    else:
        leftover = tmp_path / f".m.bin.{dead}.tmp"
        leftover.write_bytes(b"half")
    write(tmp_path / "m.bin")
    assert tree(tmp_path) == {"m.bin": b"new", leftover.name: b"half"}


def test_a_write_within_a_write_leaves_the_outer_one(tmp_path: Path) -> None:
    with replacing(tmp_path / "m.bin") as file:
        file.write(b"outer")
        write(tmp_path / "m.bin", b"inner")
    assert tree(tmp_path) == {"m.bin": b"outer"}


def test_the_number_of_no_process_is_left_alone(tmp_path: Path) -> None:
    leftover = leave(tmp_path / "m.bin", "tmp", 1 << 80)
    write(tmp_path / "m.bin")
    assert leftover.exists()


@pytest.mark.skipif(os.name == "nt", reason="it is about other systems")
def test_where_a_signal_would_do_harm_nothing_is_deleted(
    dead: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = leave(tmp_path / "m.bin", "tmp", dead).name
    with monkeypatch.context() as patched:
        patched.setattr(os, "name", "nt")
        assert not atomic._is_dead(dead, name)
        with atomic._opened(tmp_path) as descriptor:
            assert descriptor is None


@pytest.mark.parametrize("act", [put_back, lambda path: write_folder(path.with_name("other"))])
def test_a_folder_that_was_moved_aside_comes_back(
    act: Callable[[Path], None], dead: int, tmp_path: Path
) -> None:
    path = tmp_path / "d"
    leave(path, "old", dead)
    leave(path, "tmp", dead)
    act(path)
    assert (path / "file").read_bytes() == b"left"


def test_a_folder_that_is_there_is_not_put_back(dead: int, tmp_path: Path) -> None:
    write_folder(tmp_path / "d")
    leave(tmp_path / "d", "old", dead)
    put_back(tmp_path / "d")
    write(tmp_path / "m.bin")
    assert tree(tmp_path) == {"d": None, "d/file": b"new", "m.bin": b"new"}


def test_nothing_is_put_back_in_a_folder_that_is_missing(tmp_path: Path) -> None:
    put_back(tmp_path / "none" / "d")
    assert tree(tmp_path) == {}


# The sync of the folder


def failing_sync_of_folders(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    fsync = os.fsync

    def fail(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)


def test_a_folder_that_cannot_be_synced_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_sync_of_folders(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=f"{IN_PLACE}: {os.strerror(errno.EIO)}") as caught:
        write(tmp_path / "m")
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, str(tmp_path / "m"))
    assert tree(tmp_path) == {"m": b"new"}


def test_a_file_system_that_syncs_no_folders_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_sync_of_folders(monkeypatch, errno.EINVAL)
    write(tmp_path / "m")
    assert tree(tmp_path) == {"m": b"new"}


def test_a_folder_that_may_not_be_listed_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", fail)
    write(tmp_path / "m")
    assert tree(tmp_path) == {"m": b"new"}


def test_a_system_without_proc_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "stat", fail)
    assert len(atomic._system()) == 8


def test_of_two_writers_to_one_name_one_gets_it_and_the_other_is_told(tmp_path: Path) -> None:
    def write_late(name: str) -> None:
        with claiming(tmp_path / name) as place:
            place.mkdir()
            (place / "1").write_text("late")
            with claiming(tmp_path / name) as other:
                other.write_text("early")

    def write_where_a_folder_appears() -> None:
        with claiming(tmp_path / "b") as place:
            place.mkdir()
            (tmp_path / "b").mkdir()
            (tmp_path / "b" / "precious").write_text("early")

    with pytest.raises(FileExistsError):
        write_late("a")
    with pytest.raises(FileExistsError):
        write_where_a_folder_appears()
    assert tree(tmp_path) == {"a": b"early", "b": None, "b/precious": b"early"}


@pytest.mark.parametrize("system", [nullcontext, another_system])
def test_a_claimed_name_is_taken_where_nothing_or_an_empty_folder_is(
    system: Around, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    with system():
        with claiming(tmp_path / "file") as place:
            place.write_text("new")
        with claiming(tmp_path / "folder") as place:
            place.mkdir()
            (place / "1").write_text("new")
        for name in ("file", "folder"):
            with pytest.raises(FileExistsError), claiming(tmp_path / name) as place:
                place.write_text("newer")
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "1").read_text() == "new"
    assert {p.name for p in tmp_path.iterdir()} == {"file", "folder"}


@pytest.mark.parametrize("name", ["a" * 250, "ä" * 125 + ".npz"])
def test_a_long_name_has_a_temporary_that_is_short_enough(name: str, tmp_path: Path) -> None:
    for text in (b"old", b"new"):
        with replacing(tmp_path / name) as file:
            file.write(text)
    assert (tmp_path / name).read_bytes() == b"new"
    with replacing_folder(tmp_path / f"b{name}") as folder:
        (folder / "1").write_text("new")
    assert {p.name for p in tmp_path.iterdir()} == {name, f"b{name}"}
