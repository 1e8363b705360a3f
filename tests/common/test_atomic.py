"""Files and folders are written whole or not at all: over old ones, and on a disk that refuses."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from mlp.common.atomic import replacing, replacing_folder


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
    with pytest.raises(OSError, match="Permission denied"):
        write_folder(tmp_path / "d")
    assert tree(tmp_path) == {"d": None, "d/file": b"old"}


def test_an_interrupted_folder_leaves_the_old_one(tmp_path: Path) -> None:
    write_folder(tmp_path / "d", b"old")

    def interrupted() -> None:
        with replacing_folder(tmp_path / "d") as folder:
            (folder / "file").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert tree(tmp_path) == {"d": None, "d/file": b"old"}
