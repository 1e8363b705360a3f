"""Linux's own calls: what they do where they are there, and that others say that they cannot."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from mlp.common import linux

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has them")


class Library:
    """A C library whose calls fail."""

    def __init__(self, number: int) -> None:
        self.number = number

    def syncfs(self, *_: Any) -> int:
        ctypes.set_errno(self.number)
        return -1


@on_linux
def test_two_folders_are_swapped(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / name).mkdir(parents=True)
    if not linux.exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this file system cannot")
    assert (tmp_path / "a" / "b").is_dir()
    assert (tmp_path / "b" / "a").is_dir()


@on_linux
def test_what_is_missing_is_not_swapped(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        linux.exchange(tmp_path / "a", tmp_path / "b")


@on_linux
def test_a_file_system_is_synced(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    assert linux.sync_file_system(descriptor)
    os.close(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        linux.sync_file_system(descriptor)


@pytest.mark.parametrize("library", [None, Library(errno.ENOSYS), Library(errno.EINVAL)])
def test_a_system_that_cannot_says_so(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "_library", lambda: library)
    assert not linux.sync_file_system(0)


def test_a_failure_is_none_of_those(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "_library", lambda: Library(errno.EIO))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        linux.sync_file_system(0)


def test_other_systems_have_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    linux._library.cache_clear()
    assert linux._library() is None
    linux._library.cache_clear()
