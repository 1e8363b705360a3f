"""Arrays with a damaged header end in the caller's class of error, and cost no memory."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from mlp.common.errors import ModelError
from mlp.common.safe_npz import read_npz


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
