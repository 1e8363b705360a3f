"""IDX files of other names than MNIST's: EMNIST's are turned upright, QMNIST's labels are one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.formats.convert import read_raw
from mlp.data.formats.idx import write_idx
from mlp.data.formats.request import Request

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 4, 4), np.uint8)
LABELS = np.arange(9, dtype=np.uint8) % 3 + 1


def write_set(folder: Path, prefix: str) -> None:
    for split in ("train", "test"):
        write_idx(folder / f"{prefix}-{split}-images-idx3-ubyte.gz", IMAGES)
        write_idx(folder / f"{prefix}-{split}-labels-idx1-ubyte.gz", LABELS)


def test_emnist_is_turned_upright_and_named(tmp_path: Path) -> None:
    write_set(tmp_path, "emnist-letters")
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n3 67 99\n")
    notes: list[str] = []
    split = read_raw(tmp_path, Request(note=notes.append))["train"]
    assert np.array_equal(split.features, IMAGES.swapaxes(1, 2))
    assert split.label_names == ("0", "A/a", "B/b", "C/c")
    assert "turned" in notes[0]


def test_qmnist_labels_are_the_first_of_their_columns(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_idx(tmp_path / f"qmnist-{split}-images-idx3-ubyte", IMAGES)
        rows = np.zeros((9, 8), np.int32)
        rows[:, 0] = LABELS
        write_idx(tmp_path / f"qmnist-{split}-labels-idx2-int", rows)
    split_ = read_raw(tmp_path)["test"]
    assert np.array_equal(split_.features, IMAGES)
    assert split_.labels is not None
    assert split_.labels.tolist() == LABELS.tolist()


def test_several_sets_or_a_missing_file_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path, "emnist-letters")
    write_set(tmp_path, "emnist-digits")
    with pytest.raises(DataError, match="several sets"):
        read_raw(tmp_path)
    for path in tmp_path.glob("emnist-digits*"):
        path.unlink()
    (tmp_path / "emnist-letters-test-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="lacks the test labels"):
        read_raw(tmp_path)
