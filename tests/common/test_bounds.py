"""A small file may unpack to little, a large one to as much as its own size bears out."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mlp.common.bounds import FREE, MOST, RATIO, check_unpacked, most_unpacked
from mlp.common.errors import DataError, ModelError
from mlp.common.safe_npz import read_npz
from mlp.data.formats.idx import read_idx


def test_the_bound_grows_with_the_file_and_ends() -> None:
    assert most_unpacked(0) == most_unpacked(FREE // RATIO) == FREE
    assert most_unpacked(10 << 20) == RATIO * (10 << 20)
    assert most_unpacked(1 << 40) == MOST


def test_the_kind_of_error_is_the_callers() -> None:
    check_unpacked("a file", 100, FREE, ModelError)
    with pytest.raises(ModelError, match="a file unpacks from 100 to") as caught:
        check_unpacked("a file", 100, FREE + 1, ModelError)
    assert "unpack it yourself" in str(caught.value)


def peak_of_refusing(path: Path, read: object) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="over the limit of"):
            read(path)  # type: ignore[operator]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    npz, idx = tmp_path / "bomb.npz", tmp_path / "bomb.gz"
    count = FREE + 1
    with zipfile.ZipFile(npz, "w", zipfile.ZIP_DEFLATED) as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "|u1", "fortran_order": False, "shape": (count,)}
        )
        with archive.open("x.npy", "w") as member:
            member.write(header.getvalue())
            for _ in range(0, count, 1 << 20):
                member.write(bytes(1 << 20))
    with gzip.open(idx, "wb") as file:
        file.write(struct.pack(">BBBBI", 0, 0, 8, 1, count))
        for _ in range(0, count, 1 << 20):
            file.write(bytes(1 << 20))
    assert max(npz.stat().st_size, idx.stat().st_size) < 300_000
    assert peak_of_refusing(npz, lambda path: read_npz(path, DataError)) < 4 << 20
    assert peak_of_refusing(idx, read_idx) < 4 << 20
