"""CSV files of images: read as people write them, written as Kaggle has it, refused where bad."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from small_datasets import assert_not_read, digits

from mlp.common import bounds
from mlp.common.errors import DataError
from mlp.data.dataset import Split
from mlp.data.formats.convert import read_raw
from mlp.data.formats.csv import write_csv
from mlp.data.formats.splits import WHOLE

TABLE = "label,pixel0,pixel1,pixel2,pixel3\n7,0,255,3,4\n1,9,8,7,6\n"
ROWS = [[0, 255, 3, 4], [9, 8, 7, 6]]


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        TABLE.partition("\n")[2],
        TABLE.replace("\n", "\r\n"),
        "\ufeff" + TABLE,
        TABLE + "\n\n",
        TABLE.rstrip(),
        TABLE.replace("255", " 255.0"),
        TABLE.replace("label", '"Label"'),
        "p1,p2,p3,class,p4\n0,255,3,7,4\n9,8,7,1,6\n",
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t"),
        TABLE.replace("255", '"255"').replace("9,", '"9",'),
        "id,label,0,1,2,3\n8,7,0,255,3,4\n9,1,9,8,7,6\n",
    ],
)
def test_csv_is_read_as_people_write_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "digits.csv"
    path.write_bytes(text.encode())
    split = read_raw(path)[WHOLE]
    assert split.features.dtype == np.uint8
    assert split.features.tolist() == ROWS
    assert split.labels is not None
    assert split.labels.tolist() == [7, 1]


def test_names_of_rows_and_columns_give_images_their_shape(tmp_path: Path) -> None:
    path = tmp_path / "digits.csv"
    path.write_text("label,1x1,1x2,2x1,2x2,3x1,3x2\n1,2,3,4,5,6,7\n")
    assert read_raw(path)[WHOLE].features.tolist() == [[[2, 3], [4, 5], [6, 7]]]


def test_a_packed_table_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(gzip.compress(TABLE.encode()))
    assert read_raw(path)[WHOLE].features.tolist() == ROWS
    path.write_bytes(gzip.compress(TABLE.encode())[:-9])
    assert_not_read(path, "cut off")
    monkeypatch.setattr(bounds, "FREE", 1_000)
    path.write_bytes(gzip.compress(b"1,2,3\n" * 10_000))
    assert_not_read(path, "a bomb")


def test_csv_is_written_as_kaggle_has_it(tmp_path: Path) -> None:
    rows = np.array(ROWS, np.uint8).reshape(2, 2, 2)
    write_csv(Split(rows, np.array([7, 1], np.uint8)), tmp_path / "square.csv")
    assert (tmp_path / "square.csv").read_text() == TABLE
    write_csv(Split(rows.reshape(2, 1, 4), np.zeros(2, np.uint8)), tmp_path / "flat.csv")
    assert (tmp_path / "flat.csv").read_text().startswith("label,1x1,1x2,1x3,1x4\n0,0,255,")


def test_a_fault_far_down_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "digits.csv"
    write_csv(digits(5_000, 2, 2), path)
    lines = path.read_text().splitlines()
    lines[4_321] = "1,2,3,many,5"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"line 4,322 .* has 'many' in column 4"):
        read_raw(path)


BAD_TABLES = {
    "NaN": (TABLE.replace("255", "nan"), r"nan|missing"),
    "infinite": (TABLE.replace("255", "inf"), r"inf"),
    "too bright": (TABLE.replace("255", "256"), r"256"),
    "negative": (TABLE.replace("9,", "-9,"), r"-9"),
    "a gap": (TABLE.replace("255", ""), r"nan|missing"),
    "underscores": (TABLE.replace("255", "2_5"), r"'2_5' among numbers"),
    "a word": (TABLE.replace("255", "many"), r"column 3 \(pixel1\) .*'many'"),
    "a short row": (TABLE[:-3], r"line 3 .* has 4 columns where 5"),
    "a row of one": (TABLE.replace("1,9,8,7,6", "3"), r"has 1 column where 5 belong"),
    "a long row": (TABLE.replace("1,9", "1,1,9"), r"line 3 .* has 6 columns where 5"),
    "no label": (TABLE.replace("label", "pixel"), r"one label each"),
    "two labels": (TABLE.replace("pixel0", "class"), r"2 columns that may be the label"),
    "783 pixels": (",".join(["1"] * 784) + "\n", r"no set of images"),
    "a wrong shape": ("label,1x1,1x2,2x1\n1,2,3,4\n", r"3 pixels, which are not 2 x 1"),
    "labels alone": ("label\n1\n", r"no columns beside the label"),
    "no rows": (TABLE.partition("\n")[0] + "\n", r"holds no rows"),
    "nothing": ("", r"is empty"),
    "binary": ("\0\1\2\udcff", r"holds no rows"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_bad_table_is_refused(tmp_path: Path, case: str) -> None:
    text, sentence = BAD_TABLES[case]
    (tmp_path / "bad.csv").write_bytes(text.encode(errors="surrogateescape"))
    assert_not_read(tmp_path / "bad.csv", sentence)
