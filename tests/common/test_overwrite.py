"""Places that a result may be written at, and those that are refused."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from mlp.common.errors import DataError, UsageError
from mlp.common.overwrite import check_destination, check_holds_only


def check(path: Path, *, force: bool = False, is_folder: bool = False) -> None:
    check_destination(path, force, is_folder, DataError)


def test_a_free_place_and_an_empty_folder_are_taken(tmp_path: Path) -> None:
    check(tmp_path / "new")
    check(tmp_path / "new", is_folder=True)
    check(tmp_path, is_folder=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_folder", [False, True])
def test_what_is_there_is_replaced_only_by_force(tmp_path: Path, is_folder: bool) -> None:
    place = tmp_path / "taken"
    if is_folder:
        place.mkdir()
        (place / "file").touch()
    else:
        place.touch()
    with pytest.raises(UsageError, match="add --force"):
        check(place, is_folder=is_folder)
    check(place, is_folder=is_folder, force=True)
    with pytest.raises(UsageError, match="is to be written: name another"):
        check(place, is_folder=not is_folder, force=True)


def test_devices_and_missing_or_closed_folders_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="a device or a pipe"):
        check(tmp_path / "pipe", force=True)
    with pytest.raises(DataError, match="make it first"):
        check(tmp_path / "none" / "file")

    def closed(**_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", closed)
    with pytest.raises(DataError, match=r"Permission denied.*choose another place"):
        check(tmp_path / "new")


def test_a_folder_with_anything_else_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    own = tmp_path / "a" / "b" / "own"
    own.touch()
    check_holds_only(tmp_path, [own], DataError)
    (tmp_path / "a" / "mine").touch()
    with pytest.raises(DataError, match="also holds a/mine and is not replaced"):
        check_holds_only(tmp_path, [own], DataError)
