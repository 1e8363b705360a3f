"""Words as features: learnt as 0 and 1; and what is no category."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from passengers import passengers

from mlp.common.errors import DataError
from mlp.data.formats.categories import MOST, Feature, values_of
from mlp.data.formats.table import Table
from mlp.data.load import load_dataset


def test_each_word_is_a_column_and_true_is_one(tmp_path: Path) -> None:
    header, lines = passengers()
    (tmp_path / "t.csv").write_text("\n".join([header, *lines]))
    notes: list[str] = []
    data = load_dataset(tmp_path / "t.csv", label="survived", note=notes.append)
    names: Any = data.inputs.to_json()["names"]
    assert names == (
        *("sex=female", "sex=male", "paid", "place=Köln", "place=a=b", "place=n,y", "fare"),
    )
    assert any("(sex) holds words, and becomes 2 columns of 0 and 1" in note for note in notes)
    columns = np.concatenate([data.train.images, data.test.images])
    deviation, mean = (data.inputs.to_json()[part] for part in ("deviation", "mean"))
    own = np.rint(columns * deviation + mean)
    assert set(np.unique(own[:, :6])) == {0.0, 1.0}
    np.testing.assert_array_equal(own[:, 0] + own[:, 1], 1)
    np.testing.assert_array_equal(own[:, 3:6].sum(axis=1), 1)


def test_a_missing_word_is_a_missing_value(tmp_path: Path) -> None:
    rows = [f"{i},{'' if i == 7 else 'ab'[i % 2]},{'xy'[i % 2]}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["n,kind,label", *rows]))
    with pytest.raises(DataError, match=r"kind=a of .*t\.csv in row 8 has no value"):
        load_dataset(tmp_path / "t.csv")
    assert load_dataset(tmp_path / "t.csv", missing="mean").train.images.shape[1] == 3


@pytest.mark.parametrize(("words", "sentence"), [(MOST, None), (MOST + 1, f"{MOST + 1} different")])
def test_a_text_is_no_category(words: int, sentence: str | None, tmp_path: Path) -> None:
    rows = [f"w{i % words},{'xy'[i % 2]}" for i in range(4 * words)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *rows]))
    if sentence is None:
        assert load_dataset(tmp_path / "t.csv").train.images.shape[1] == words
        return
    with pytest.raises(DataError, match=rf"\(text\) of .* {sentence} words, such as 'w0'"):
        load_dataset(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("n,sex,place", r"2 columns of words, any of which may be the label, sex, place"),
        ("sex,sex,label", r"two columns called 'sex=a'"),
    ],
)
def test_what_is_ambiguous_is_asked(header: str, sentence: str, tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]},{'ab'[i % 2]},{'xy'[i % 2]}" for i in range(40)]
    rows = rows if header.startswith("sex") else [f"{i}{row[1:]}" for i, row in enumerate(rows)]
    (tmp_path / "t.csv").write_text("\n".join([header, *rows]))
    with pytest.raises(DataError, match=sentence):
        load_dataset(tmp_path / "t.csv")


@pytest.mark.parametrize("slip", ["2_5", "7O", "many", "12kg"])
def test_a_damaged_number_is_no_category(slip: str, tmp_path: Path) -> None:
    rows = [f"{slip if i == 9 else i % 12},{'xy'[i % 2]}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["size,label", *rows]))
    with pytest.raises(DataError, match=rf"\(size\) of .* holds '{slip}' among numbers"):
        load_dataset(tmp_path / "t.csv", label="label")


def test_numbers_written_as_words_are_numbers() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [str(i % 7) for i in range(40)], "b": range(40)})
    notes: list[str] = []
    data = load_dataset((frame, np.arange(40) % 2), note=notes.append)
    assert data.inputs.to_json()["names"] == ("a", "b")
    assert not any("words" in note for note in notes)
    slips = [f"{i % 7},5" if i != 9 else "oops" for i in range(40)]
    with pytest.raises(DataError, match="holds 'oops' among numbers"):
        load_dataset((frame.assign(a=slips), np.arange(40) % 2))


def test_a_table_of_words_without_a_header_asks_for_the_label(tmp_path: Path) -> None:
    rows = [
        f"{20 + i % 30},{'xy'[i % 2]},{i % 3},{['<=50K', '>50K'][i % 5 % 2]}" for i in range(60)
    ]
    (tmp_path / "adult.data").write_text("\n".join(rows))
    with pytest.raises(DataError, match=r"no header and 2 columns of words.*--label -1 for the"):
        load_dataset(tmp_path / "adult.data")
    assert load_dataset(tmp_path / "adult.data", label="-1").task.names == ("<=50K", ">50K")


def test_a_gap_is_told_of_the_file_that_it_is_in(tmp_path: Path) -> None:
    rows = [f"{i},{i % 3},{'xy'[i % 2]}" for i in range(20)]
    (tmp_path / "tr.csv").write_text("\n".join(["a,b,label", *rows]))
    (tmp_path / "te.csv").write_text("\n".join(["a,b,label", rows[0], "1,,y", *rows[2:]]))
    with pytest.raises(DataError, match=r"b of .*te\.csv in row 2 has no value"):
        load_dataset(tmp_path / "tr.csv", test_file=str(tmp_path / "te.csv"))


def test_a_word_in_place_of_a_number_is_named_with_its_row(tmp_path: Path) -> None:
    words = {1: np.array(["-332.7", "na", "oops", "1"])}
    table = Table(tmp_path / "t.csv", ("a", "b"), np.zeros((4, 2)), words)
    with pytest.raises(DataError, match=r"\(b\) of .* holds 'oops' in row 2,003, where the model"):
        values_of(table, [Feature(0), Feature(1)], first=2_000)
