"""MATLAB's files: arrays by their names, examples along any axis."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.formats import convert as formats
from mlp.data.formats import mat
from mlp.data.formats.mat import read_mat

scipy_io = pytest.importorskip("scipy.io")

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8)
LABELS = np.arange(12) % 3 + 1


def test_rows_and_labels_are_read(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(12, 5))
    scipy_io.savemat(tmp_path / "t.mat", {"X": X, "y": LABELS[:, None], "note": "of a course"})
    split = formats.read_raw(tmp_path / "t.mat")["all"]
    np.testing.assert_array_equal(split.features, X)
    np.testing.assert_array_equal(split.labels, LABELS)  # type: ignore[arg-type]
    assert formats.read(tmp_path / "t.mat").task.names == ("1", "2", "3")


def test_examples_along_the_last_axis_are_turned(tmp_path: Path) -> None:
    colours = np.repeat(np.moveaxis(IMAGES, 0, -1)[:, :, None], 3, axis=2)  # as SVHN has it
    scipy_io.savemat(tmp_path / "t.mat", {"X": colours, "y": LABELS[:, None]}, do_compression=True)
    features = formats.read_raw(tmp_path / "t.mat")["all"].features
    assert features.shape == (12, 8, 8)
    assert np.abs(features.astype(int) - IMAGES).max() <= 1  # grey of equal colours


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8", "f4", "f8", "?"])
@pytest.mark.parametrize("packed", [False, True])
def test_arrays_are_as_scipy_reads_them(tmp_path: Path, dtype: str, packed: bool) -> None:
    arrays = {
        "a": (np.random.default_rng(0).normal(size=(3, 4, 2)) * 50).astype(dtype),
        "few": np.array([[1, 0]], dtype),
        "none": np.zeros((0, 3), dtype),
    }
    others = {"text": "words", "cell": np.array([1, "x"], object), "complex": np.array([1j])}
    scipy_io.savemat(tmp_path / "t.mat", {**others, **arrays}, do_compression=packed)
    found, theirs = read_mat(tmp_path / "t.mat"), scipy_io.loadmat(tmp_path / "t.mat")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], theirs[name])
        assert found[name].dtype == array.dtype


def test_bytes_in_the_other_order_are_read(tmp_path: Path) -> None:
    def element(kind: int, data: bytes) -> bytes:
        return struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)

    values = np.arange(6, dtype=">f8")
    parts = [
        element(6, struct.pack(">II", 6, 0)),
        element(5, struct.pack(">ii", 2, 3)),
        element(1, b"X"),
        element(9, values.tobytes()),
    ]
    header = b"MATLAB 5.0".ljust(124) + b"\x01\x00MI"
    (tmp_path / "t.mat").write_bytes(header + element(14, b"".join(parts)))
    np.testing.assert_array_equal(read_mat(tmp_path / "t.mat")["X"], [[0, 2, 4], [1, 3, 5]])


def test_what_is_no_array_is_passed_over(tmp_path: Path) -> None:
    """As a MATLAB string is, an opaque thing whose name stands where others have their shape."""
    scipy_io.savemat(tmp_path / "t.mat", {"X": IMAGES, "y": LABELS})
    flags = struct.pack("<IIII", 6, 8, 17, 0)
    names = b"".join(
        struct.pack("<II", 1, len(name)) + name + bytes(-len(name) % 8)
        for name in (b"table", b"MCOS", b"string")
    )
    opaque = flags + names
    with (tmp_path / "t.mat").open("ab") as file:
        file.write(struct.pack("<II", 14, len(opaque)) + opaque)
    assert read_mat(tmp_path / "t.mat").keys() == {"X", "y"}


def test_training_and_test_arrays_are_told_by_their_names(tmp_path: Path) -> None:
    arrays = {"train_x": IMAGES, "train_y": LABELS, "test_x": IMAGES[:4], "test_y": LABELS[:4]}
    scipy_io.savemat(tmp_path / "t.mat", arrays)
    assert {name: len(s) for name, s in formats.read_raw(tmp_path / "t.mat").items()} == {
        "train": 12,
        "test": 4,
    }


@pytest.mark.parametrize("cut", [0, 60, 140, 200])
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path: Path, cut: int) -> None:
    scipy_io.savemat(tmp_path / "t.mat", {"X": IMAGES, "y": LABELS})
    content = (tmp_path / "t.mat").read_bytes()
    (tmp_path / "t.mat").write_bytes(content[:cut])
    with pytest.raises(DataError, match=r"t\.mat") as error:
        formats.read(tmp_path / "t.mat")
    assert "\n" not in str(error.value)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    zeros = {"X": np.zeros((20_000, 1_000)), "y": np.zeros((20_000, 1))}
    scipy_io.savemat(tmp_path / "t.mat", zeros, do_compression=True)
    with pytest.raises(DataError, match="bomb"):
        formats.read(tmp_path / "t.mat")


def test_the_newest_form_is_named(tmp_path: Path) -> None:
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "t.mat").write_bytes(header + b"\x89HDF\r\n\x1a\n" + bytes(500))
    with pytest.raises(DataError, match="HDF5"):
        formats.read(tmp_path / "t.mat")


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(shape: bytes, *values: bytes) -> bytes:
    flags = element(6, struct.pack("<II", 6, 0))  # of numbers of eight bytes
    return element(14, flags + element(5, shape) + element(1, b"X") + b"".join(values))


def packed(content: bytes) -> bytes:
    inner = zlib.compress(content, 9)
    return b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 15, len(inner)) + inner


HOSTILE = {
    "axes": lambda: matrix(struct.pack("<i", 2**31 - 1) * 100_000, element(9, bytes(8))),
    "bytes as numbers of eight": lambda: matrix(
        struct.pack("<ii", 1, 20 << 20), element(2, bytes(20 << 20))
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_few_bytes_neither_fill_memory_nor_take_long(tmp_path: Path, case: str) -> None:
    (tmp_path / "t.mat").write_bytes(packed(HOSTILE[case]()))
    with pytest.raises(DataError, match=r"too many axes|over the limit"):
        read_mat(tmp_path / "t.mat")


def test_no_more_parts_of_an_array_are_read_than_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = matrix(struct.pack("<ii", 1, 1), element(9, bytes(8)), element(1, b"") * 100_000)
    (tmp_path / "t.mat").write_bytes(packed(content))
    made, kind = [], mat._Element
    monkeypatch.setattr(mat, "_Element", lambda *parts: made.append(1) or kind(*parts))
    assert read_mat(tmp_path / "t.mat")["X"].shape == (1, 1)
    assert len(made) < 10
