"""A model file is written whole or not at all: over an old one, and on a disk that refuses."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from mlp.common.errors import ModelError
from mlp.models.checkpoint import load, save
from mlp.nn.network import MLP


def model() -> MLP:
    return MLP([6, 4, 3])


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    save(model(), path := tmp_path / "m")
    other = MLP([2, 2])
    save(other, path)
    assert load(path).sizes == (2, 2)
    assert names(tmp_path) == ["m"]


def test_a_new_file_has_the_usual_rights(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    save(model(), tmp_path / "m")
    assert (tmp_path / "m").stat().st_mode == (tmp_path / "usual").stat().st_mode


def no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize("old", [b"old", None], ids=["over a file", "a new file"])
def test_a_full_disk_leaves_things_as_they_were(
    failing: str, old: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    if old is not None:
        path.write_bytes(old)
    monkeypatch.setattr(os, failing, no_space)
    with pytest.raises(ModelError, match=r"No space left on device.*choose another place"):
        save(model(), path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == (
        {} if old is None else {"m": old}
    )


def test_a_system_that_refuses_half_way(tmp_path: Path) -> None:
    """The kernel's own limit on a file's size stops the writing after 100 bytes."""
    resource = pytest.importorskip("resource", reason="limits are a Unix matter")
    path = tmp_path / "m"
    path.write_bytes(b"old")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, usual[1]))
    try:
        with pytest.raises(ModelError, match="File too large") as error:
            save(model(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "choose another place" in str(error.value)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["m"]


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
    save(model(), path)
    assert seen == [(path.read_bytes(), b"old", tmp_path)]
    assert load(path).sizes == (6, 4, 3)


def test_an_interrupt_while_writing_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(model(), tmp_path / "m")
    assert names(tmp_path) == []


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be written"):
        save(model(), tmp_path / "none" / "m")


def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    with pytest.raises(ModelError, match="cannot be written"):
        save(model(), tmp_path / "m")
    assert names(tmp_path) == ["m"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(ModelError, match="Permission denied"):
            save(model(), tmp_path / "m")
    finally:
        tmp_path.chmod(stat.S_IRWXU)
