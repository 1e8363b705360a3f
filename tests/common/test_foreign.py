"""Files of other programs are named for what they are, whether as data or as a model."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import DataError, ModelError
from mlp.common.foreign import foreign
from mlp.data.formats import convert as data
from mlp.models.formats import convert as models


def packed(path: Path, name: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "x")
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("ending", ["", ".zip", ".xlsx"])
def test_a_workbook_is_named_by_what_it_holds(ending: str, tmp_path: Path) -> None:
    path = packed(tmp_path / f"book{ending}", "xl/workbook.xml")
    with pytest.raises(DataError, match="a workbook: save the sheet as CSV"):
        data.read(path)
    with pytest.raises(ModelError, match="is a workbook, and no model: name a file"):
        models.read_model(path)


@pytest.mark.parametrize("name", ["m.pt", "m.bin"])
def test_a_file_of_pytorch_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"but a file of PyTorch: .* numpy\.savez"):
        data.read(packed(tmp_path / name, "archive/data.pkl"))


@pytest.mark.parametrize("name", ["h.h5", "h.bin"])
def test_hdf5_is_named(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / name, b"\x89HDF\r\n\x1a\n" + bytes(500))
    with pytest.raises(DataError, match="but an HDF5 file: write its arrays"):
        data.read(path)
    with pytest.raises(ModelError, match="is an HDF5 file, and no model"):
        models.read_model(path)


def test_a_workbook_that_is_damaged_is_told_by_its_ending(tmp_path: Path) -> None:
    path = written(tmp_path / "t.xlsx", b"PK\x03\x04" + b"x" * 99)
    with pytest.raises(DataError, match="a workbook: save"):
        data.read(path)


def test_a_model_is_no_dataset(tmp_path: Path) -> None:
    path = written(tmp_path / "m.safetensors", b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(DataError, match="is no dataset but a model: name the rows"):
        data.read(path)


def test_what_is_of_a_known_format_is_no_foreign_file(tmp_path: Path) -> None:
    table = "label,a\n" + "".join(f"{i % 2},{i}\n" for i in range(20))
    with zipfile.ZipFile(tmp_path / "t.json.zip", "w") as archive:
        archive.writestr("t.csv", table)
    assert foreign(tmp_path / "t.json.zip") is None
    assert len(data.read(tmp_path / "t.json.zip").train) == 16
    np.savez(tmp_path / "t.npz", x=np.ones((2, 2)))
    assert foreign(tmp_path / "t.npz") is None
    assert foreign(tmp_path) is None
