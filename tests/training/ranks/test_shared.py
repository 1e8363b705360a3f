"""What ranks of one machine share is the same to each, and has no copy of arrays or of files."""

from __future__ import annotations

import errno
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import DATA

from mlp.data.dataset import Dataset, Split, hold_out
from mlp.training.ranks import shared
from mlp.training.ranks.shared import Segment, map_segment, offer, take


def handed_over(value: Any) -> Any:
    """What another process makes of a value; here it is this one."""
    offered, segment = offer(value)
    try:
        return take(offered)
    finally:
        segment.close()


@pytest.mark.parametrize("has_memfd", [True, False])
def test_arrays_come_with_what_they_are_in(
    has_memfd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_memfd:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    before = DATA.train.checksum
    taken = handed_over({"data": DATA, "again": DATA.train.images})
    data = taken["data"]
    assert isinstance(data, Dataset)
    assert taken["again"] is data.train.images
    assert "checksum" in vars(data.train)  # which need not be computed again
    for ours, theirs in ((DATA.train, data.train), (DATA.test, data.test)):
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        assert not theirs.images.flags.writeable
        assert theirs.images.ctypes.data % shared.LINE == 0
    assert Split(data.train.images, data.train.labels).checksum == before


def test_arrays_of_any_order_dtype_and_size() -> None:
    arrays = [
        np.zeros((0, 3), "float32"), np.arange(6.0).reshape(2, 3).T, np.arange(12)[::2],
        np.array(["a", "bc"]), np.asfortranarray(np.ones((3, 2), "uint16")), np.array(3.5),
    ]  # fmt: skip
    for ours, theirs in zip(arrays, handed_over(arrays), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    assert handed_over("no array at all") == "no array at all"


@pytest.fixture
def mapped(tmp_path: Path) -> Any:
    """A part of a file, from a byte on that is no page's first."""
    (tmp_path / "bytes").write_bytes(b"12345" + bytes(range(240)))
    return np.memmap(tmp_path / "bytes", np.uint8, "r", 5, (20, 4, 3))


def test_mapped_files_are_mapped_again(mapped: Any) -> None:
    for part in (mapped, mapped[7:], mapped[7:].reshape(13, 12), np.asarray(mapped)[3:4]):
        offered, segment = offer([part])
        assert offered.ranges == []
        (taken,) = take(offered)
        segment.close()
        np.testing.assert_array_equal(taken, part)
        assert isinstance(taken, np.memmap)
        assert not taken.flags.writeable
    assert handed_over(mapped[20:]).shape == (0, 4, 3)


def test_what_cannot_be_mapped_again_is_told(mapped: Any, tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(bytes(100))
        nameless = np.memmap(file, np.uint8, "r")
    changed = np.memmap(tmp_path / "bytes", np.uint8, "c")
    for part in (mapped[:, ::2], nameless, changed):
        with pytest.raises(pickle.PicklingError, match="a part of a mapped file"):
            offer(part)


def test_a_room_is_gone_with_its_last_user() -> None:
    segment = Segment(10)
    segment.memory[:3] = b"abc"
    seen = map_segment(segment.file)
    assert seen[:4] == b"abc\0"
    segment.memory[0] = ord("x")
    assert seen[0] == ord("x")
    with pytest.raises(TypeError):
        seen[0] = 1
    segment.close()
    with pytest.raises(OSError, match="No such file"):
        map_segment(segment.file)
    assert seen[0] == ord("x")


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


@pytest.mark.parametrize("full", [True, False])
def test_no_room_is_an_error_and_leaves_nothing_open(
    full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(file: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if full:
        monkeypatch.setattr(shared, "free_bytes", lambda: 9)
    else:
        monkeypatch.setattr(os, "posix_fallocate", fails)
    before = open_files()
    with pytest.raises(OSError, match="Cannot allocate" if full else "No space left"):
        Segment(10)
    assert open_files() == before


def test_another_file_of_that_name_is_no_room() -> None:
    """As the process of that number in another container has it."""
    segment, other = Segment(10), Segment(10)
    moved = segment.file._replace(path=other.file.path)
    with pytest.raises(FileNotFoundError):
        map_segment(moved)
    segment.close()
    other.close()


def test_what_was_divided_from_a_mapped_file_is_one_file_for_all(
    mapped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.data.dataset.MOST_COPIED", 12)
    whole = Split(mapped, np.arange(20, dtype=np.uint8))
    divided = hold_out(Dataset("d", "d", 20, whole, whole), 5, seed=0)
    offered, segment = offer(divided)
    assert all(stop - start < 100 for start, stop in offered.ranges)  # but labels
    taken = take(offered)
    segment.close()
    images = [split.images for split in divided]
    del divided  # and with it what the others had to open
    assert [len(split) for split in taken] == [15, 5]
    for ours, theirs in zip(images, taken, strict=True):
        assert isinstance(theirs.images, np.memmap)
        np.testing.assert_array_equal(ours, theirs.images)
