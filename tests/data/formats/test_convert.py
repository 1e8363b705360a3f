"""Datasets in every format: kept to the pixel, told apart, and written only where that is safe."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from small_datasets import assert_not_read, checksums, digits, pair, place, tree

from mlp.cli import main
from mlp.common.errors import DataError, UsageError
from mlp.data.dataset import Split
from mlp.data.formats import convert as formats
from mlp.data.formats.registry import FORMATS
from mlp.data.formats.splits import TEST, TRAIN, WHOLE
from mlp.data.load import load_dataset
from mlp.data.mnist import MnistUnavailable, load_mnist


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    formats.write(pair(), tmp_path / "digits", "images")
    return tmp_path / "digits"


# --- Round trips ----------------------------------------------------------------------------------


@pytest.mark.parametrize("second", FORMATS.names)
@pytest.mark.parametrize("first", FORMATS.names)
@pytest.mark.parametrize("shape", [(5, 5), (3, 4)])
def test_every_format_turns_into_every_other(
    tmp_path: Path, first: str, second: str, shape: tuple[int, int]
) -> None:
    splits = pair(*shape)
    there, then = place(tmp_path, first), place(tmp_path, f"{second}").with_name(f"x-{second}.npz")
    then = then if second == "npz" else then.with_suffix("")
    formats.write(splits, there, first)
    format, _ = formats.convert(there, then, second)
    assert format.name == second == formats.detect(then).name
    assert checksums(formats.read_splits(then)) == checksums(splits)


@given(
    count=st.integers(1, 30),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    seed=st.integers(0, 9),
)
@settings(max_examples=30, deadline=None)
def test_a_lone_split_is_kept_as_csv_and_as_images(
    tmp_path_factory: pytest.TempPathFactory, count: int, height: int, width: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("lone")
    split = digits(count, height, width, seed)
    formats.write({WHOLE: split}, folder / "digits.csv")
    formats.convert(folder / "digits.csv", folder / "images", "images")
    assert formats.read_splits(folder / "digits.csv")[WHOLE].checksum == split.checksum
    assert formats.read_splits(folder / "images")[WHOLE].checksum == split.checksum


def test_read_makes_a_dataset_that_training_takes(tmp_path: Path) -> None:
    splits = pair()
    formats.write(splits, tmp_path / "digits.npz")
    dataset = load_dataset(str(tmp_path / "digits.npz"))
    assert (dataset.name, dataset.classes, dataset.pixels) == ("digits", 10, 25)
    assert dataset.train.checksum == splits[TRAIN].checksum
    formats.write(dataset, tmp_path / "again", "idx")
    assert checksums(formats.read_splits(tmp_path / "again")) == checksums(splits)


# --- Which format, and where to -------------------------------------------------------------------


def test_what_is_no_dataset_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\1\0\0\0\0")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "3_1.png").write_bytes(b"")
    for name in ("sheet.xlsx", "rows.jsonl", "t.feather"):
        (tmp_path / name).write_bytes(b"[1, 2]")
    for name, sentence in (
        ("missing", "there is no file or folder"),
        ("pipe", "is a pipe and not a file"),
        ("empty", "is no dataset"),
        ("train-labels-idx1-ubyte", "is no dataset"),
        ("sheet.xlsx", "is no dataset but a workbook: save the sheet as CSV"),
        ("rows.jsonl", "is no dataset but JSON: write its rows as CSV"),
        ("t.feather", "is no dataset but an Arrow file: write it as Parquet"),
        ("flat", r"is no dataset: its pictures tell no classes: .* add labels\.csv"),
    ):
        with pytest.raises(DataError, match=sentence):
            formats.detect(tmp_path / name)


def test_a_folder_of_two_formats_is_refused(folder: Path) -> None:
    formats.write(pair(), folder.with_name("csv"), "csv")
    for file in folder.with_name("csv").iterdir():
        file.rename(folder / file.name)
    assert_not_read(folder, "is both a folder of two CSV files and a folder of images")


@pytest.mark.parametrize(
    ("target", "to", "sentence"),
    [
        ("digits.xlsx", None, "does not name a format of datasets"),
        ("digits.npz", "hdf5", "does not name a format of datasets"),
        ("digits.csv", "idx", "does not suit the format idx"),
        ("digits", "npz", "does not suit the format npz"),
        ("digits.csv", None, "a CSV file holds one set of images"),
    ],
)
def test_a_name_that_tells_no_format_is_refused(
    tmp_path: Path, target: str, to: str | None, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        formats.write(pair(), tmp_path / target, to)
    assert not tree(tmp_path)


@pytest.mark.parametrize(("target", "to"), [("x.npz", None), ("x", "csv"), ("x", "idx")])
def test_a_lone_split_is_not_written_as_two(tmp_path: Path, target: str, to: str | None) -> None:
    formats.write({WHOLE: digits(9)}, tmp_path / "lone.csv")
    with pytest.raises(UsageError, match="there is one set of images"):
        formats.convert(tmp_path / "lone.csv", tmp_path / target, to)
    assert list(tree(tmp_path)) == ["lone.csv"]


def test_images_of_several_classes_are_not_written(tmp_path: Path) -> None:
    several = Split(digits(4).images, np.eye(4, 10, dtype=np.uint8))
    with pytest.raises(DataError, match="several labels"):
        formats.write({TRAIN: several, TEST: several}, tmp_path / "x.npz")
    assert not tree(tmp_path)


@pytest.mark.parametrize("format", FORMATS.names)
def test_nothing_is_replaced_unasked(tmp_path: Path, format: str) -> None:
    target = place(tmp_path, format)
    formats.write(pair(), target, format)
    before = tree(tmp_path)
    other = {TRAIN: digits(7), TEST: digits(6)}
    with pytest.raises(UsageError, match="add --force"):
        formats.write(other, target, format)
    assert tree(tmp_path) == before
    formats.write(other, target, format, force=True)
    assert checksums(formats.read_splits(target)) == checksums(other)
    assert {path.parts[0] for path in map(Path, tree(tmp_path))} == {target.name}


@pytest.mark.parametrize("format", ["csv", "idx", "images"])
def test_a_folder_with_anything_else_in_it_is_never_replaced(tmp_path: Path, format: str) -> None:
    target = tmp_path / "digits"
    formats.write(pair(), target, format)
    (target / "thesis.tex").write_text("years of work")
    before = tree(tmp_path)
    with pytest.raises(DataError, match=r"thesis.tex"):
        formats.write(pair(), target, format, force=True)
    for folder in (tmp_path / "home", tmp_path / "home" / "documents"):
        folder.mkdir()
    (tmp_path / "home" / "documents" / "thesis.tex").write_text("years of work")
    before = tree(tmp_path)
    with pytest.raises(DataError, match=r"is no dataset"):
        formats.write(pair(), tmp_path / "home", format, force=True)
    assert tree(tmp_path) == before


def test_a_file_is_not_replaced_by_a_folder_nor_a_folder_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("text")
    (tmp_path / "taken.npz").mkdir()
    for target, to in (("taken", "idx"), ("taken.npz", None)):
        with pytest.raises(UsageError, match="is to be written"):
            formats.write(pair(), tmp_path / target, to, force=True)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    formats.write(pair(), tmp_path / "empty", "csv")
    assert checksums(formats.read_splits(tmp_path / "empty")) == checksums(pair())


@pytest.mark.parametrize("format", FORMATS.names)
def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = place(tmp_path, format)
    formats.write(pair(), target, format)
    before = tree(tmp_path)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mlp.data.formats.npz.write_array_header_1_0", fail)
    monkeypatch.setattr(np, "column_stack", fail)
    monkeypatch.setattr("mlp.data.formats.idx_folder.write_idx_parts", fail)
    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(DataError, match="No space left on device"):
        formats.write({TRAIN: digits(7), TEST: digits(6)}, target, format, force=True)
    assert tree(tmp_path) == before


def test_converting_in_place_keeps_the_data(tmp_path: Path) -> None:
    formats.write(pair(), tmp_path / "digits", "images")
    formats.convert(tmp_path / "digits", tmp_path / "digits", "idx", force=True)
    assert formats.detect(tmp_path / "digits").name == "idx"
    assert checksums(formats.read_splits(tmp_path / "digits")) == checksums(pair())


# --- The commands ---------------------------------------------------------------------------------


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["mlp", *map(str, words)])
    with pytest.raises(SystemExit) as exit_:
        main()
    out, err = capsys.readouterr()
    return int(exit_.value.code or 0), out, err


def test_info_describes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formats.write(pair(), tmp_path / "digits", "images")
    code, out, err = run(monkeypatch, capsys, "data", "info", tmp_path / "digits")
    assert (code, err) == (0, "")
    assert "a folder of images" in out
    assert "5 x 5" in out
    assert pair()[TEST].checksum in out
    code, out, err = run(monkeypatch, capsys, "data", "info", tmp_path / "digits", "--json")
    found = json.loads(out)
    assert (code, err, found["form"]) == (0, "", "images")
    assert found["splits"]["train"]["images"] == 23
    assert found["splits"]["train"]["sha256"] == pair()[TRAIN].checksum


def test_convert_converts_and_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formats.write(pair(), tmp_path / "a.npz")
    words = ("data", "convert", tmp_path / "a.npz", tmp_path / "b", "--to", "csv")
    code, out, err = run(monkeypatch, capsys, *words, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["sha256"] == checksums(pair())
    assert checksums(formats.read_splits(tmp_path / "b")) == checksums(pair())
    code, out, err = run(monkeypatch, capsys, *words)
    assert (code, out) == (2, "")
    assert "add --force" in err
    code, out, _ = run(monkeypatch, capsys, *words, "--force")
    assert code == 0
    assert "23 (train) and 11 (test) images" in out


def test_classes_are_found_and_held_to_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = Split(digits(26).images, np.arange(26, dtype=np.uint8))
    formats.write({WHOLE: letters}, tmp_path / "letters.csv")
    words = ("data", "info", tmp_path / "letters.csv")
    code, out, err = run(monkeypatch, capsys, *words, "--classes", 10)
    assert (code, out) == (1, "")
    assert err.startswith("mlp: image 11 of the split all")
    assert err.count("\n") == 1
    assert run(monkeypatch, capsys, *words)[0] == 0


# --- The real thing -------------------------------------------------------------------------------


@pytest.mark.mnist
def test_mnist_is_kept(tmp_path: Path) -> None:
    try:
        rows = {WHOLE: load_mnist(download=False).test}
    except MnistUnavailable as error:
        pytest.skip(str(error))
    formats.write(rows, tmp_path / "mnist.csv")
    assert checksums(formats.read_splits(tmp_path / "mnist.csv")) == checksums(rows)
