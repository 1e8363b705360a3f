"""Pictures whose labels stand in tables beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_datasets import assert_not_read, digits

from mlp.common.errors import DataError
from mlp.data.formats.convert import detect, read_raw
from mlp.data.load import load_dataset
from mlp.data.raw import TEST, TRAIN, VALIDATION, WHOLE

SPLIT = digits(30)


def put(folder: Path, first: int = 0, count: int = 30) -> list[str]:
    """Write pictures, and return a row of each for the table of their labels."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(first, first + count):
        Image.fromarray(SPLIT.images[i]).save(folder / f"p{i}.png")
        rows.append(f"p{i}.png,{SPLIT.labels[i]}")
    return rows


def table(path: Path, rows: list[str], header: str = "filename,label") -> None:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


@pytest.mark.parametrize("header", ["filename,label", "Image;Digit", '"path"\t"class"'])
def test_pictures_are_read_in_the_order_of_their_table(header: str, tmp_path: Path) -> None:
    rows = put(tmp_path)[::-1]
    (tmp_path / "readme.md").write_text("by me")
    mark = next(mark for mark in ",;\t" if mark in header)
    table(tmp_path / "labels.csv", [row.replace(",", mark) for row in rows], header)
    found = read_raw(tmp_path)
    assert found.keys() == {WHOLE}
    assert detect(tmp_path).title == "a folder of pictures with a table of labels"
    np.testing.assert_array_equal(found[WHOLE].features, SPLIT.images[29::-1])
    np.testing.assert_array_equal(found[WHOLE].labels, SPLIT.labels[29::-1])


def test_tables_called_as_splits_are_these_and_name_pictures_within(tmp_path: Path) -> None:
    train = put(tmp_path / "train", 0, 16)
    test = put(tmp_path / "elsewhere", 16, 8)
    held = put(tmp_path / "digits_val", 24, 6)
    table(tmp_path / "train.csv", [row.replace(".png", "") for row in train])
    table(tmp_path / "my_test.csv", [f"elsewhere/{row}" for row in test])
    table(tmp_path / "digits_val.csv", held)
    found = read_raw(tmp_path)
    assert found.keys() == {TRAIN, TEST}
    np.testing.assert_array_equal(found[TEST].features, SPLIT.images[16:24])
    assert (
        sorted(found[TRAIN].labels.tolist())
        == sorted(  # type: ignore[union-attr]
            [*SPLIT.labels[:16].tolist(), *SPLIT.labels[24:].tolist()]
        )
    )
    (tmp_path / "my_test.csv").unlink()
    (tmp_path / "digits_val.csv").unlink()
    assert len(load_dataset(tmp_path, test=4).train) == 12
    assert VALIDATION not in found


def test_words_are_classes(tmp_path: Path) -> None:
    rows = [f"{row.split(',')[0]},{'ab'[i % 2]} b" for i, row in enumerate(put(tmp_path))]
    table(tmp_path / "labels.csv", rows)
    assert load_dataset(tmp_path).task.names == ("a b", "b b")


def test_a_folder_of_classes_may_hold_notes(tmp_path: Path) -> None:
    put(tmp_path / "0", 0, 9)
    put(tmp_path / "1", 9, 9)
    for name in ("notes.txt", "data.yaml", "0/annotations.json", "LICENSE"):
        (tmp_path / name).write_text("x")
    assert len(read_raw(tmp_path)[WHOLE]) == 18
    (tmp_path / "0" / "model.bin").write_bytes(b"x")
    assert_not_read(tmp_path, "model.bin is no picture")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["lost.png,3"], r"lost\.png, which .*labels\.csv labels, is not there"),
        (["p0.png,3", "p0.png,4"], r"labels p0\.png again"),
        (["../out.png,3"], "lies outside"),
        (["p0.png"], "line 2 of .* is not a file and its label"),
        ([], "names no pictures"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    rows: list[str], sentence: str, tmp_path: Path
) -> None:
    put(tmp_path / "in", 0, 2)
    put(tmp_path, 5, 1)
    (tmp_path / "p5.png").rename(tmp_path / "out.png")
    table(tmp_path / "in" / "labels.csv", rows)
    with pytest.raises(DataError, match=sentence):
        read_raw(tmp_path / "in")


def test_two_tables_of_the_same_pictures_are_refused(tmp_path: Path) -> None:
    rows = put(tmp_path)
    table(tmp_path / "labels.csv", rows)
    table(tmp_path / "sample_submission.csv", rows)
    with pytest.raises(DataError, match=r"several tables of labels, labels\.csv and sample_sub"):
        read_raw(tmp_path)
    (tmp_path / "labels.csv").rename(tmp_path / "test.csv")
    (tmp_path / "sample_submission.csv").unlink()
    with pytest.raises(DataError, match=r"no labels to train on: add train\.csv"):
        read_raw(tmp_path)


def test_a_table_beside_folders_is_no_table_of_labels_without_pictures(tmp_path: Path) -> None:
    for name in ("train.csv", "test.csv"):
        (tmp_path / name).write_text("path,v,class\n" + "1,2,0\n2,3,1\n" * 9)
    assert detect(tmp_path).title == "a folder of two CSV files"


def test_ids_name_pictures_and_other_tables_are_in_the_way(tmp_path: Path) -> None:
    first, second = put(tmp_path / "batch1", 0, 9), put(tmp_path / "batch2", 9, 9)
    rows = [row.replace(".png", "") for row in first + second]
    table(tmp_path / "labels.csv", rows, "id,label")
    assert read_raw(tmp_path)[WHOLE].labels.tolist() == SPLIT.labels[:18].tolist()  # type: ignore[union-attr]
    table(tmp_path / "labels.csv", rows, "which,what")
    assert_not_read(tmp_path, "labels.csv is not the folder of a class")


def test_the_folder_of_a_split_is_that_of_its_table(tmp_path: Path) -> None:
    rows = put(tmp_path / "train", 0, 9)
    put(tmp_path / "test", 0, 9)
    table(tmp_path / "train_labels.csv", rows)
    table(tmp_path / "test_labels.csv", rows[:4])
    found = read_raw(tmp_path)
    assert (len(found[TRAIN]), len(found[TEST])) == (9, 4)
    (tmp_path / "train_labels.csv").unlink()
    table(tmp_path / "val.csv", [f"train/{row}" for row in rows])
    with pytest.raises(DataError, match=r"no labels to train on: add train\.csv"):
        read_raw(tmp_path)


def test_a_name_that_no_system_takes_is_not_there(tmp_path: Path) -> None:
    put(tmp_path, 0, 2)
    table(tmp_path / "labels.csv", ["p0.png,1", f"{'x' * 400},3"])
    with pytest.raises(DataError, match="is not there"):
        read_raw(tmp_path)


def test_the_folder_is_not_listed_for_each_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [*put(tmp_path / "in", 0, 10), *put(tmp_path, 10, 20)]
    table(tmp_path / "labels.csv", rows)
    listed, iterdir = [], Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: listed.append(path) or iterdir(path))
    assert len(read_raw(tmp_path)[WHOLE]) == 30
    assert len(listed) < 15
    listed.clear()
    assert len(load_dataset(tmp_path).train) == 24
    assert len(listed) < 15


@pytest.mark.parametrize("digits", [19, 400, 5_000])
def test_a_label_of_many_digits_is_a_word(digits: int, tmp_path: Path) -> None:
    put(tmp_path, 0, 4)
    long = "9" * digits
    table(tmp_path / "labels.csv", ["p0.png,1", "p1.png,1", f"p2.png,{long}", f"p3.png,{long}"])
    assert read_raw(tmp_path)[WHOLE].labels.tolist() == ["1", "1", long, long]  # type: ignore[union-attr]
