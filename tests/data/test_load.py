"""Datasets by their names: which is meant, several at once, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mirrors import DIGITS

from mlp.common.errors import DataError, UsageError
from mlp.data.formats import convert as formats
from mlp.data.formats.idx_folder import write_idx_folder
from mlp.data.load import as_binary, join, load_dataset
from mlp.data.mnist import MnistUnavailable


def test_synthetic_digits_have_the_counts_asked_for() -> None:
    data = load_dataset("synthetic:70+30")
    assert (len(data.train), len(data.test), data.name) == (70, 30, "synthetic")
    other = load_dataset("continental:70+30")
    assert (len(other.train), other.name, other.origin) == (70, "continental", "continental:70+30")
    assert other.train.checksum != data.train.checksum


@pytest.mark.parametrize("name", ["mnist", "auto"])
def test_a_data_folder_is_for_mnist(cache: Path, tmp_path: Path, name: str) -> None:
    write_idx_folder(DIGITS, tmp_path / "given")
    assert load_dataset(name, tmp_path / "given").train.checksum == DIGITS.train.checksum
    with pytest.raises(UsageError, match="a data folder is for MNIST"):
        load_dataset("synthetic", tmp_path / "given")


def test_auto_takes_synthetic_digits_where_mnist_is_not_there(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLP_OFFLINE", "1")
    monkeypatch.setattr("mlp.data.load.load_synthetic", lambda **_: DIGITS)
    notes: list[str] = []
    drawn = load_dataset("auto", note=notes.append)
    assert (drawn.train, drawn.origin) == (DIGITS.train, "synthetic")
    assert load_dataset("auto").train is DIGITS.train
    assert len(notes) == 1
    assert "Going on with synthetic digits" in notes[0]
    with pytest.raises(MnistUnavailable):
        load_dataset("mnist")
    write_idx_folder(DIGITS, cache)
    assert load_dataset("auto").name == "mnist"


def test_a_file_is_read_and_a_name_with_commas_may_be_one(tmp_path: Path) -> None:
    formats.write(DIGITS, tmp_path / "a,b.npz")
    assert load_dataset(str(tmp_path / "a,b.npz")).train.checksum == DIGITS.train.checksum


@pytest.mark.parametrize(
    "name",
    ["digits", "synthetic:3", "synthetic:3+x", "mnist,nowhere", "synthetic:9+" + 5_000 * "9"],
)
def test_what_is_no_dataset_is_refused(cache: Path, name: str) -> None:
    write_idx_folder(DIGITS, cache)
    with pytest.raises(UsageError, match="there is no dataset"):
        load_dataset(name)


@pytest.mark.parametrize(("name", "meant"), [("mnits", "mnist"), ("synthetics:9+9", "synthetic")])
def test_a_name_that_is_nearly_one_is_suggested(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=rf"did you mean {meant}\?"):
        load_dataset(name)


def test_choices_that_nothing_would_follow_are_refused(tmp_path: Path) -> None:
    formats.write(DIGITS, tmp_path / "digits.npz")
    (tmp_path / "t.csv").write_text("a,label\n" + "1,x\n2,y\n" * 9)
    for name, choices in [
        ("synthetic:20+10", {"label": "3"}),
        ("synthetic:20+10", {"test": 0.1}),
        (tmp_path / "digits.npz", {"size": 14}),
        (tmp_path / "digits.npz", {"drop": "id"}),
        (tmp_path / "t.csv", {"size": 28}),
        (tmp_path / "t.csv", {"handwriting": True}),
        ((np.eye(4), [0, 1, 0, 1]), {"label": "0"}),
    ]:
        (flag,) = choices
        with pytest.raises(UsageError, match=f"--{flag} means nothing"):
            load_dataset(name, **choices)
    assert load_dataset(tmp_path / "t.csv", label="label").classes == 2


def test_choices_are_of_the_files_among_several(tmp_path: Path) -> None:
    digits = load_dataset("synthetic:40+10")
    formats.write(digits, tmp_path / "own", "images")
    joined = load_dataset(f"synthetic:40+10,{tmp_path / 'own'}", size=28)
    assert len(joined.train) > 40


def test_several_are_trained_on_together_and_the_first_is_tested_on() -> None:
    first, second = load_dataset("synthetic:40+10"), load_dataset("synthetic:60+20")
    joined = load_dataset("synthetic:40+10,synthetic:60+20")
    assert joined.name == "synthetic+synthetic"
    np.testing.assert_array_equal(joined.train.images[:60], second.train.images)
    np.testing.assert_array_equal(joined.train.labels[60:], first.train.labels)
    assert joined.test.checksum == first.test.checksum


def test_what_does_not_belong_together_is_refused() -> None:
    digits = load_dataset("synthetic:20+10")
    with pytest.raises(UsageError, match="other classes"):
        join([digits, as_binary(digits, [1])])
    small = replace(digits, train=DIGITS.train, test=DIGITS.test)
    with pytest.raises(DataError, match=r"are \(28, 28\) pixels but those of .*\(9, 8\)"):
        join([digits, small])
