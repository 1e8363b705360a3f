"""Single arrays, and folders of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlp.common import bounds
from mlp.common.errors import DataError, UsageError
from mlp.data.formats import convert as formats
from mlp.data.load import load_dataset

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 4, 5), np.uint8)
LABELS = np.arange(9) % 3


@pytest.mark.parametrize("is_large", [False, True])
def test_a_large_array_is_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    np.save(tmp_path / "digits.npy", IMAGES)
    size = (tmp_path / "digits.npy").stat().st_size
    monkeypatch.setattr(bounds, "MAPPED_FROM", size if is_large else size + 1)
    features = formats.read_raw(tmp_path / "digits.npy")["all"].features
    assert isinstance(features, np.memmap) == is_large
    assert np.array_equal(features, IMAGES)
    assert not features.flags.writeable


@pytest.mark.parametrize("names", [("X", "y"), ("images", "labels"), ("X", "y.npz")])
def test_a_folder_of_arrays_goes_by_its_names(tmp_path: Path, names: tuple[str, str]) -> None:
    np.save(tmp_path / f"{names[0]}.npy", IMAGES)
    if names[1].endswith("npz"):
        np.savez(tmp_path / names[1], LABELS)
    else:
        np.save(tmp_path / f"{names[1]}.npy", LABELS)
    split = formats.read_raw(tmp_path)["all"]
    assert np.array_equal(split.features, IMAGES)
    assert np.array_equal(split.labels, LABELS)  # type: ignore[arg-type]


def test_kmnist_is_read_as_it_comes(tmp_path: Path) -> None:
    for split in ("train", "test"):
        np.savez(tmp_path / f"kmnist-{split}-imgs.npz", IMAGES)
        np.savez(tmp_path / f"kmnist-{split}-labels.npz", LABELS)
    assert list(formats.read_raw(tmp_path)) == ["train", "test"]


@pytest.mark.parametrize("cut", [3, 40, 130])
def test_a_damaged_file_is_refused(tmp_path: Path, cut: int) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    content = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(content[:cut])
    with pytest.raises(DataError, match="damaged"):
        formats.read_raw(tmp_path / "x.npy")


def test_python_objects_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match="Python objects"):
        formats.read_raw(tmp_path / "x.npy")


def test_it_is_only_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    with pytest.raises(UsageError, match="does not name a format"):
        formats.convert(tmp_path / "x.npy", tmp_path / "y.npy")


def test_a_table_without_labels_is_told_how_to_name_their_column(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.c_[LABELS, IMAGES.reshape(9, -1)])
    with pytest.raises(DataError, match="has no labels to learn from: --label 0 takes the first"):
        load_dataset(tmp_path / "t.npy")
    assert load_dataset(tmp_path / "t.npy", label="0").classes == 3
