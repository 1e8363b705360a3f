"""Folders of IDX files: what is written comes back, and what does not fit is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.dataset import Dataset, Split
from mlp.data.formats.idx import write_idx
from mlp.data.formats.idx_folder import load_idx_folder, write_idx_folder


def digits(count: int, classes: int = 10) -> Split:
    rng = np.random.default_rng(count)
    images = rng.integers(0, 256, (count, 5, 4), dtype=np.uint8)
    return Split(images, (np.arange(count) % classes).astype(np.uint8))


DIGITS = Dataset("small", "test", 10, digits(30), digits(20))


@pytest.mark.parametrize("compress", [False, True])
def test_a_folder_comes_back(tmp_path: Path, compress: bool) -> None:
    folder = tmp_path / "new" / "folder"
    write_idx_folder(DIGITS, folder, compress=compress)
    assert all((path.suffix == ".gz") == compress for path in folder.iterdir())
    read = load_idx_folder(folder, "small")
    assert (read.name, read.source, read.classes) == ("small", str(folder), 10)
    assert read.train.checksum == DIGITS.train.checksum
    assert read.test.checksum == DIGITS.test.checksum


def test_the_dotted_spelling_is_found_and_the_unpacked_file_taken_first(tmp_path: Path) -> None:
    write_idx_folder(DIGITS, tmp_path, compress=False)
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", np.zeros(1, np.uint8))
    assert load_idx_folder(tmp_path).test.checksum == DIGITS.test.checksum


def test_writing_beside_another_spelling_is_refused(tmp_path: Path) -> None:
    write_idx_folder(DIGITS, tmp_path, compress=False)
    with pytest.raises(DataError, match="train-images-idx3-ubyte is there already"):
        write_idx_folder(DIGITS, tmp_path, compress=True)
    write_idx_folder(DIGITS, tmp_path, compress=False)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_that_cannot_be_made_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot make the folder"):
        write_idx_folder(DIGITS, tmp_path / "file" / "folder")


def test_missing_files_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        load_idx_folder(tmp_path / "none")
    write_idx_folder(DIGITS, tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    (tmp_path / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(DataError, match="lacks train-labels-idx1-ubyte, t10k-images-idx3-ubyte:"):
        load_idx_folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train-images-idx3-ubyte", np.zeros((30, 5), np.uint8), r"uint8 of shape \(30, 5\)"),
        ("train-images-idx3-ubyte", np.zeros((30, 5, 4), np.int8), "int8 of shape"),
        ("train-images-idx3-ubyte", np.zeros((30, 0, 4), np.uint8), r"shape \(30, 0, 4\)"),
        ("train-labels-idx1-ubyte", np.zeros((30, 1), np.uint8), r"where uint8 of shape \(count,"),
        ("train-labels-idx1-ubyte", np.zeros(29, np.uint8), "30 images but 29 labels"),
        ("t10k-labels-idx1-ubyte", np.full(20, 10, np.uint8), "labels run from 0 to 9"),
        ("t10k-images-idx3-ubyte", np.zeros((20, 4, 5), np.uint8), "test images"),
    ],
)
def test_files_that_do_not_fit_are_told_as_such(
    tmp_path: Path, name: str, array: np.ndarray, message: str
) -> None:
    write_idx_folder(DIGITS, tmp_path, compress=False)
    write_idx(tmp_path / name, array)
    with pytest.raises(DataError, match=message) as caught:
        load_idx_folder(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_more_classes_are_a_parameter(tmp_path: Path) -> None:
    letters = Dataset("letters", "test", 26, digits(60, 26), digits(30, 26))
    write_idx_folder(letters, tmp_path)
    assert load_idx_folder(tmp_path, classes=26).classes == 26
    with pytest.raises(DataError, match="labels run from 0 to 24"):
        load_idx_folder(tmp_path, classes=25)
