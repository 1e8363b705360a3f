"""IDX files: what is written comes back, and what is wrong with a file is said in a sentence."""

from __future__ import annotations

import gzip
import hashlib
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlp.common import bounds
from mlp.common.errors import DataError
from mlp.data.formats.idx import idx_sha256, read_idx, write_idx

DTYPES = ("uint8", "int8", "int16", "int32", "float32", "float64")
ENDINGS = ("", ".gz")

arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(
        st.sampled_from([dtype, np.dtype(dtype).newbyteorder(">")]),
        hnp.array_shapes(min_dims=1, max_dims=5, min_side=0, max_side=4),
    )
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a property."""
    return tmp_path_factory.mktemp("idx")


# --- Round trips ---------------------------------------------------------------------------------


@given(array=arrays, ending=st.sampled_from(ENDINGS))
@settings(deadline=None)
def test_every_dtype_and_rank_comes_back(scratch: Path, array: np.ndarray, ending: str) -> None:
    path = scratch / f"array{ending}"
    write_idx(path, array)
    read = read_idx(path)
    assert read.dtype == array.dtype.newbyteorder("=")
    assert read.dtype.isnative
    assert read.shape == array.shape
    assert read.tobytes() == array.astype(read.dtype).tobytes()  # NaNs too
    assert read.flags.writeable


@pytest.mark.parametrize(
    ("code", "letter", "dtype"),
    list(zip((0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E), "Bbhifd", DTYPES, strict=True)),
)
def test_the_bytes_on_disk_are_those_of_the_format(
    tmp_path: Path, code: int, letter: str, dtype: str
) -> None:
    on_disk = bytes([0, 0, code, 2]) + struct.pack(f">II6{letter}", 2, 3, *range(1, 7))
    array = np.arange(1, 7, dtype=dtype).reshape(2, 3)
    path = tmp_path / "array"
    path.write_bytes(on_disk)
    np.testing.assert_array_equal(read_idx(path), array)
    write_idx(path, array)
    assert path.read_bytes() == on_disk


def test_the_largest_rank_comes_back(tmp_path: Path) -> None:
    array = np.full((1,) * 64, 7, np.uint8)
    write_idx(tmp_path / "array", array)
    assert read_idx(tmp_path / "array").shape == array.shape


def test_an_array_that_is_not_contiguous_comes_back(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.int16).reshape(4, 6).T[::2]
    write_idx(tmp_path / "array", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "array"), array)


def test_gzip_is_known_by_its_bytes_whatever_the_name(tmp_path: Path) -> None:
    array = np.arange(5, dtype=np.uint8)
    write_idx(tmp_path / "array.gz", array)
    (tmp_path / "array.gz").rename(tmp_path / "array")
    np.testing.assert_array_equal(read_idx(tmp_path / "array"), array)


def test_the_same_array_gives_the_same_gzip_bytes(tmp_path: Path) -> None:
    array = np.arange(5, dtype=np.uint8)
    write_idx(tmp_path / "first.gz", array)
    write_idx(tmp_path / "second.gz", array)
    packed = (tmp_path / "first.gz").read_bytes()
    assert packed == (tmp_path / "second.gz").read_bytes()
    assert packed[4:8] == bytes(4), "the time stamp"


@given(array=arrays)
@settings(deadline=None)
def test_the_checksum_is_that_of_the_unpacked_file(scratch: Path, array: np.ndarray) -> None:
    write_idx(scratch / "summed", array)
    assert idx_sha256(array) == hashlib.sha256((scratch / "summed").read_bytes()).hexdigest()


# --- Memory maps ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 4), (7,), (0, 4), (0,)])
def test_a_mapped_file_holds_the_same_values(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    write_idx(tmp_path / "array", array)
    mapped = read_idx(tmp_path / "array", mmap=True)
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    np.testing.assert_array_equal(mapped, array)


def test_what_cannot_be_mapped_says_why(tmp_path: Path) -> None:
    write_idx(tmp_path / "packed.gz", np.zeros(3, np.uint8))
    with pytest.raises(DataError, match="unpack it with gunzip"):
        read_idx(tmp_path / "packed.gz", mmap=True)
    write_idx(tmp_path / "wide", np.zeros(3, np.int16))
    with pytest.raises(DataError, match=r"holds big-endian int16 .* without mmap"):
        read_idx(tmp_path / "wide", mmap=True)
    write_idx(tmp_path / "cut", np.zeros(3, np.uint8))
    (tmp_path / "cut").write_bytes((tmp_path / "cut").read_bytes()[:-1])
    with pytest.raises(DataError, match="too short"):
        read_idx(tmp_path / "cut", mmap=True)


# --- Files that are wrong ------------------------------------------------------------------------

THREE = bytes([0, 0, 8, 1, 0, 0, 0, 3])  # the header of three uint8

WRONG = {
    "empty": (b"", "is empty"),
    "html": (b"<!DOCTYPE html><html>404</html>", "looks like an HTML page, probably a download"),
    "html after spaces": (b"\xef\xbb\xbf\r\n <html>", "looks like an HTML page"),
    "xml": (b'<?xml version="1.0"?><Error/>', "looks like an HTML page"),
    "text": (b"label,pixel0\n5,0\n", "not an IDX file, as it does not begin with two zero bytes"),
    "one byte": (b"\0", "not an IDX file"),
    "only the magic": (b"\0\0\x08", "ends within its header"),
    "dtype": (b"\0\0\x0a\1\0\0\0\0", "no dtype code 0x0a"),
    "rank 0": (b"\0\0\x08\0\5", "has rank 0"),
    "rank 65": (b"\0\0\x08\x41" + b"\0\0\0\1" * 65 + b"\5", "has rank 65"),
    "no sizes": (b"\0\0\x08\2\0\0\0\1\0\0", "ends within its header"),
    "truncated": (THREE + b"\1\2", "too short for the 11 bytes that its header promises"),
    "trailing": (THREE + b"\1\2\3\4", "than its header promises|goes on after the 11 bytes"),
    "lying": (b"\0\0\x0e\3" + b"\xff" * 12 + b"\1", "absurd shape"),
    "absurd but empty": (b"\0\0\x0e\4\0\0\0\0" + b"\xff" * 12, "absurd shape"),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_named_and_explained(tmp_path: Path, case: str, ending: str) -> None:
    content, message = WRONG[case]
    path = tmp_path / f"array{ending}"
    path.write_bytes(gzip.compress(content) if ending else content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_damaged_gzip_data_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "array.gz"
    packed = gzip.compress(THREE + b"\1\2\3")
    path.write_bytes(packed[:-4])
    with pytest.raises(DataError, match="ends early: its gzip data is cut off"):
        read_idx(path)
    path.write_bytes(packed[:-8] + bytes(4) + packed[-4:])
    with pytest.raises(DataError, match=r"damaged gzip data .*CRC"):
        read_idx(path)
    path.write_bytes(packed + b"more")
    with pytest.raises(DataError, match="damaged gzip data"):
        read_idx(path)


def test_a_file_that_cannot_be_read_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none: No such file"):
        read_idx(tmp_path / "none")
    with pytest.raises(DataError, match="cannot read"):
        read_idx(tmp_path)


@given(array=arrays, ending=st.sampled_from(ENDINGS), data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_an_error_or_a_sound_file(
    scratch: Path, array: np.ndarray, ending: str, data: st.DataObject
) -> None:
    path = scratch / f"damaged{ending}"
    write_idx(path, array)
    content = bytearray(path.read_bytes())
    damage = data.draw(st.sampled_from(["cut", "extend", "flip"]))
    if damage == "cut":
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    elif damage == "extend":
        content += data.draw(st.binary(min_size=1, max_size=40))
    else:
        bit = data.draw(st.integers(0, 8 * min(len(content), 40) - 1))
        content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    try:
        read = read_idx(path)
    except DataError:
        return
    # What was read is what the file says, to the last byte.
    plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else bytes(content)
    write_idx(scratch / "again", read)
    assert (scratch / "again").read_bytes() == plain


@given(
    content=st.binary(max_size=200), start=st.sampled_from([b"", b"\0\0\x08\1", b"\x1f\x8b\x08"])
)
def test_no_bytes_whatever_raise_anything_else(scratch: Path, content: bytes, start: bytes) -> None:
    path = scratch / "noise"
    path.write_bytes(start + content)
    for mmap in (False, True):
        try:
            read_idx(path, mmap=mmap)
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017 - the exception is allowed, not expected


def test_a_gzip_bomb_costs_no_more_than_its_header_promises(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(THREE + bytes(64 << 20)))
    assert peak_of_failing_to_read(path, "goes on after the 11 bytes") < 4 << 20


def test_a_lying_header_allocates_nothing(tmp_path: Path) -> None:
    header = b"\0\0\x08\1" + (1 << 31).to_bytes(4)
    (tmp_path / "lie").write_bytes(header + b"\1")
    (tmp_path / "lie.gz").write_bytes(gzip.compress(header + b"\1"))
    assert peak_of_failing_to_read(tmp_path / "lie", "too short") < 4 << 20
    assert peak_of_failing_to_read(tmp_path / "lie.gz", "too short") < 4 << 20


def peak_of_failing_to_read(path: Path, message: str) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=message):
            read_idx(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_unpacking_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path / "array.gz", np.zeros(100, np.uint8))
    monkeypatch.setattr(bounds, "most_unpacked", lambda _: 108)
    assert len(read_idx(tmp_path / "array.gz")) == 100
    monkeypatch.setattr(bounds, "most_unpacked", lambda _: 107)
    with pytest.raises(DataError, match="over the limit of 107"):
        read_idx(tmp_path / "array.gz")


# --- Arrays that cannot be written ---------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bool", "int64", "uint16", "float16", "complex64", "U3", "O"])
def test_a_dtype_that_idx_lacks_is_refused(tmp_path: Path, dtype: str) -> None:
    with pytest.raises(DataError, match=r"IDX cannot hold .*: convert the array to one of uint8,"):
        write_idx(tmp_path / "array", np.zeros(3, dtype))
    assert not list(tmp_path.iterdir())


def test_a_shape_that_idx_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="rank of 1 or more"):
        write_idx(tmp_path / "array", np.array(3, np.uint8))
    with pytest.raises(DataError, match="fewer than 4,294,967,296"):
        write_idx(tmp_path / "array", np.broadcast_to(np.uint8(0), (1 << 32,)))


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "array.gz"
    write_idx(path, np.arange(3, dtype=np.uint8))

    def full(*args: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(gzip.GzipFile, "write", full)
        with pytest.raises(DataError, match=r"cannot write .*: No space left on device"):
            write_idx(path, np.zeros(9, np.uint8))
    assert list(tmp_path.iterdir()) == [path]
    np.testing.assert_array_equal(read_idx(path), [0, 1, 2])
    with pytest.raises(DataError, match="cannot write"):
        write_idx(tmp_path / "no" / "folder", np.zeros(3, np.uint8))
