"""``mlp data``: what it prints of a dataset, and what it converts."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from command import Command, refused
from rich.console import Console

from mlp.cli import console
from mlp.data.dataset import Dataset
from mlp.data.formats.idx_folder import write_idx_folder
from mlp.data.load import load_dataset


@pytest.fixture
def digits(tmp_path: Path) -> Dataset:
    """A dataset in the folder of this name."""
    dataset = load_dataset("synthetic:30+10")
    write_idx_folder(dataset, tmp_path / "digits")
    return dataset


def test_a_name_without_an_ending_is_a_folder_of_idx_files(
    mlp: Command, digits: Dataset, tmp_path: Path
) -> None:
    assert mlp("data", "convert", "digits", "other/").code == 0
    assert (tmp_path / "other" / "t10k-labels-idx1-ubyte.gz").exists()


def test_info_describes_every_split(mlp: Command, digits: Dataset) -> None:
    result = mlp("data", "info", "digits")
    rows = {line.split("  ")[0].strip(): line.split()[-2:] for line in result.out.splitlines()}
    assert rows["images"] == ["30", "10"]
    assert rows["class 3"] == [str((s.labels == 3).sum()) for s in (digits.train, digits.test)]
    assert digits.test.checksum in result.out
    told = json.loads(mlp("data", "info", "digits", "--json").out)
    assert told["path"] == "digits"
    assert told["splits"]["test"]["sha256"] == digits.test.checksum


def test_what_is_wrong_with_a_dataset_is_told(mlp: Command, tmp_path: Path) -> None:
    blank, zeros = np.zeros((3, 4, 4), np.uint8), np.zeros(3, np.uint8)
    arrays = {"x_train": blank, "y_train": zeros, "x_test": blank, "y_test": zeros}
    np.savez(tmp_path / "blank.npz", **arrays)
    told = mlp("data", "info", "blank.npz").out
    assert "problem: " in told
    assert "no problems found" not in told


def test_info_describes_a_table_of_words_and_gaps(mlp: Command, tmp_path: Path) -> None:
    rows = "\n".join(f"{k},{k * k if k else ''},{'cat' if k % 3 else 'dog'}" for k in range(12))
    (tmp_path / "pets.csv").write_text(f"age,weight,kind\n{rows}\n")
    result = mlp("data", "info", "pets.csv")
    found = {line.split("  ")[0].strip(): line.split() for line in result.out.splitlines()}
    assert sum(map(int, found["class cat"][-2:])) == 8
    assert sum(map(int, found["class dog"][-2:])) == 4
    assert found["weight"][-1] == "1"
    assert "problem: column weight lacks 1 value: train with --missing mean" in result.out
    told = json.loads(mlp("data", "info", "pets.csv", "--missing", "mean", "--json").out)
    assert told["problems"] == []
    assert [column["missing"] for column in told["columns"]] == [0, 1]
    told = json.loads(
        mlp("data", "info", "pets.csv", "--task", "regression", "--label", "age", "--drop",
            "kind", "--json").out
    )  # fmt: skip
    assert told["classes"] == {}
    assert len(told["numbers"]) == 1


def test_info_describes_images_of_other_ranges_and_classes(mlp: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    letters = {"X": rng.integers(0, 17, (40, 8, 8)), "y": np.arange(40) % 5 + 1}
    np.savez(tmp_path / "letters.npz", **letters)
    result = mlp("data", "info", "letters.npz")
    assert "class 5" in result.out
    assert "class 0" not in result.out
    assert "pixels 0 to 16: scaled by 16" in result.err


def test_a_dataset_is_converted(mlp: Command, digits: Dataset) -> None:
    result = mlp("data", "convert", "digits", "digits.npz")
    assert result.out.startswith("digits.npz: ")
    assert "with 30 (train) and 10 (test) images" in result.out
    refused(mlp("data", "convert", "digits", "digits.npz"), "--force", code=2)
    told = json.loads(mlp("data", "convert", "digits.npz", "again", "--to", "idx", "--json").out)
    assert told["images"] == {"train": 30, "test": 10}
    assert told["sha256"]["train"] == digits.train.checksum


@pytest.mark.usefixtures("digits")
def test_a_bar_is_drawn_on_a_terminal(mlp: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(console, "stderr", Console(file=screen, force_terminal=True))
    assert mlp("data", "convert", "digits", "pictures", "--to", "images").code == 0
    assert "converting images" in screen.getvalue()
    assert "40/40" in screen.getvalue()
