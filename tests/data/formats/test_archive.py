"""Zip archives are read as what lies in them, within bounds; pickles are not read at all."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlp.common.errors import DataError
from mlp.data.formats.convert import read, read_raw
from mlp.data.formats.request import Request

TABLE = "label,a,b\n" + "".join(f"{i % 2},{i}.5,{-i}\n" for i in range(40))


def packed(path: Path, **files: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_table_in_a_zip_is_the_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE)
    plain = read(tmp_path / "t.csv")
    found = read(packed(tmp_path / "t.csv.zip", **{"t.csv": TABLE}))
    assert found.train.checksum == plain.train.checksum
    assert found.source == str(tmp_path / "t.csv.zip")


def test_folders_around_it_and_what_macos_adds_are_passed_over(tmp_path: Path) -> None:
    files = {"data/set/train.csv": TABLE, "data/set/test.csv": TABLE, "__MACOSX/._x": b"1",
             "data/.DS_Store": b"1"}  # fmt: skip
    found = read(packed(tmp_path / "kaggle.zip", **files))
    assert (len(found.train), len(found.test)) == (40, 40)


def test_folders_of_pictures_in_a_zip_are_classes(tmp_path: Path) -> None:
    drawn = io.BytesIO()
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(drawn, "PNG")
    names = [f"drawn/{word}/{n}.png" for word in ("cat", "dog") for n in range(6)]
    found = read(packed(tmp_path / "drawn.zip", **dict.fromkeys(names, drawn.getvalue())))
    assert found.task.names == ("cat", "dog")


@pytest.mark.parametrize("name", ["../out.csv", "/tmp/out-of-the-archive.csv"])
def test_no_name_leaves_the_folder(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    read(packed(inside / "a.zip", **{name: TABLE}))
    assert [path.name for path in tmp_path.rglob("*.csv")] == []
    assert not Path("/tmp/out-of-the-archive.csv").exists()


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = packed(tmp_path / "bomb.zip", **{"a.csv": b"0" * (200 << 20)})
    with pytest.raises(DataError, match=r"over the limit of .* a bomb"):
        read(path)


def test_an_archive_that_is_no_dataset_is_told_by_its_own_name(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", **{"readme.txt": "hello there, nothing here", "x.bin": b"1"})
    with pytest.raises(DataError, match=r"a\.zip is no dataset: unpack it"):
        read(path)
    inner = packed(tmp_path / "inner.zip", **{"t.csv": TABLE}).read_bytes()
    with pytest.raises(DataError, match=r"b\.zip is no dataset"):
        read(packed(tmp_path / "b.zip", **{"inner.zip": inner}))


def test_what_is_told_of_a_file_inside_names_the_archive(tmp_path: Path) -> None:
    rows = "\n".join(f"{i},{'xy'[i % 2]}" for i in range(20))
    notes: list[str] = []
    path = packed(tmp_path / "a.zip", **{"t.csv": f"n,kind\n{rows}\n"})
    read_raw(path, Request(note=notes.append))
    assert notes == [f"{path}: column 2 (kind) holds words, and is taken for the label"]


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    whole = packed(tmp_path / "a.zip", **{"t.csv": TABLE}).read_bytes()
    for size in (30, len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.zip").write_bytes(whole[:size])
        with pytest.raises(DataError):
            read(tmp_path / "cut.zip")
    (tmp_path / "bad.zip").write_bytes(whole.replace(whole[45:60], b"\xff" * 15))
    with pytest.raises(DataError):
        read(tmp_path / "bad.zip")


@pytest.mark.parametrize("name", ["digits.pkl", "digits.PICKLE", "mnist.pkl.gz", "m.joblib"])
def test_a_pickle_is_never_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(([1, 2], [3])))
    with pytest.raises(DataError, match=r"is a pickle, which is never read.*numpy\.savez"):
        read(tmp_path / name)


def test_folders_in_one_another_without_an_end_are_refused(tmp_path: Path) -> None:
    """Python itself could not delete them again."""
    files = {f"{'a/' * depth}t.csv": TABLE for depth in (300, 600, 900)}
    with pytest.raises(DataError, match="folders in one another, more than 100"):
        read(packed(tmp_path / "deep.zip", **files))
