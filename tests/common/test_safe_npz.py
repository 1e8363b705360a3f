"""Arrays with a damaged header end in the caller's class of error, and cost no memory."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from mlp.common.errors import ModelError
from mlp.common.safe_npz import open_npz, read_npz


def write(path: Path, version: bytes, header: bytes, values: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        size = struct.pack("<H", len(header))
        archive.writestr("x.npy", b"\x93NUMPY" + version + size + header + values)
    return path


V1 = b"\x01\x00"
GOOD = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n"


def test_a_sound_header_is_read(tmp_path: Path) -> None:
    arrays = read_npz(write(tmp_path / "a.npz", V1, GOOD, bytes(8)), ModelError)
    assert arrays["x"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("version", "header"),
    [
        (b"\xff\xff", GOOD),
        (b"\x03\x00", GOOD),
        (V1, b"{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,), }\n"),
        (V1, b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, "),
        (V1, b"{'descr': '<f4', 'fortran_order': False, 'shape': ('a',), }\n"),
        (V1, b"{'descr': [('a', 3), 4], 'fortran_order': False, 'shape': (2,), }\n"),
        (V1, b"{'descr': '<zz', 'fortran_order': 0, 'shape': 3, }\n"),
        (V1, b"((" * 90 + b"\n"),
        (V1, b"{[]: 2}\n"),
        (V1, b"\xff\x00"),
        (V1, b""),
    ],
)
def test_a_damaged_header_is_an_error_of_the_callers(
    tmp_path: Path, version: bytes, header: bytes
) -> None:
    with pytest.raises(ModelError, match=r"is a damaged \.npz file"):
        read_npz(write(tmp_path / "a.npz", version, header, bytes(8)), ModelError)


@pytest.mark.parametrize("descr", [b"<U0", b"|S0", b"|V0"])
def test_values_of_no_bytes_cannot_promise_any_number_of_them(tmp_path: Path, descr: bytes) -> None:
    header = b"{'descr': '%s', 'fortran_order': False, 'shape': (9999999999,), }\n" % descr
    with pytest.raises(ModelError, match="promises 9,999,999,999 bytes and has 0"):
        read_npz(write(tmp_path / "a.npz", V1, header), ModelError)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["u1", "<f8", ">i2"])
@pytest.mark.parametrize("order", "CF")
def test_an_array_is_read_in_chunks(
    save: Callable[..., None], dtype: str, order: Literal["C", "F"], tmp_path: Path
) -> None:
    x = np.arange(70).reshape(10, 7).astype(dtype, order)
    save(tmp_path / "a.npz", longer_name=np.ones(3), x=x)
    with open_npz(tmp_path / "a.npz", ModelError) as arrays:
        assert arrays["x"].shape == (10, 7)
        parts = list(arrays["x"].chunks(4))
    assert [len(part) for part in parts] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(parts), x)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_changed_byte_is_seen_at_the_end(save: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save(path, x=np.random.default_rng(0).integers(0, 256, 5_000, np.uint8))
    content = bytearray(path.read_bytes())
    content[3_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"), open_npz(path, ModelError) as arrays:
        for _ in arrays["x"].chunks(1_000):
            pass
