"""Weka's and OpenML's tables."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.formats import convert as formats
from mlp.data.formats.arff import read_arff
from mlp.data.reading import Reading

IRIS = """% of flowers
@RELATION iris
@ATTRIBUTE 'sepal length' REAL
@ATTRIBUTE petals {3,4,5}
@ATTRIBUTE class {setosa,virginica}
@DATA
5.1,3,setosa
?,4,virginica
4.9,5,setosa
6.3,3,virginica
"""


def test_names_and_kinds_are_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "iris.arff").write_text(IRIS)
    split = formats.read_raw(tmp_path / "iris.arff")["all"]
    assert split.columns == ("sepal length", "petals")
    assert list(split.labels) == ["setosa", "virginica", "setosa", "virginica"]  # type: ignore[arg-type]
    np.testing.assert_array_equal(split.features[:, 1], [3, 4, 5, 3])
    assert np.isnan(split.features[1, 0])
    filled = formats.read(tmp_path / "iris.arff", Reading(missing="mean", test=1))
    assert filled.task.names == ("setosa", "virginica")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (IRIS.replace("5.1,3,setosa", "5.1,3,rosa"), "class holds 'rosa'"),
        (IRIS.replace("6.3,3", "6.3,7"), "petals holds '7'"),
        (IRIS.replace("{3,4,5}", "{few,many}"), "petals holds '3'"),
        (IRIS.replace("6.3,", "much,"), "sepal length holds"),
    ],
)
def test_what_the_head_does_not_know_is_refused(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "t.arff").write_text(text)
    with pytest.raises(DataError, match=word):
        read_arff(tmp_path / "t.arff")


def test_numbers_that_are_names_are_known_however_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "t.arff").write_text(IRIS.replace("{3,4,5}", "{3.0,04,5e0}").replace(",4,", ",?,"))
    np.testing.assert_array_equal(read_arff(tmp_path / "t.arff").values[:, 1], [3, np.nan, 5, 3])


def test_the_last_column_is_the_label_by_custom(tmp_path: Path) -> None:
    (tmp_path / "t.arff").write_text(IRIS.replace("ATTRIBUTE class", "ATTRIBUTE kind"))
    told: list[str] = []
    formats.read(tmp_path / "t.arff", Reading(missing="mean", test=1), note=told.append)
    assert any("the last column, kind, is taken for the label" in note for note in told)
    other = Reading(label="petals", drop="kind", missing="mean", test=1)
    assert set(formats.read(tmp_path / "t.arff", other).task.names) <= {"3", "4", "5"}


@pytest.mark.parametrize(
    "text",
    ["", "@RELATION x\n@DATA\n", IRIS.replace("6.3,", ""), IRIS.replace("setosa\n", "rosa\n")],
)
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.arff").write_text(text)
    with pytest.raises(DataError, match=r"t\.arff") as error:
        formats.read(tmp_path / "t.arff")
    assert "\n" not in str(error.value)


def test_texts_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "t.arff").write_text(IRIS.replace("'sepal length' REAL", "remark STRING"))
    with pytest.raises(DataError, match="not read"):
        formats.read(tmp_path / "t.arff")


def test_names_in_other_letters_are_kept(tmp_path: Path) -> None:
    text = (
        IRIS.replace("'sepal length'", "größe").replace("setosa", "weiß").replace("virginica", "黒")
    )
    (tmp_path / "t.arff").write_text(text, encoding="utf-8")
    split = formats.read_raw(tmp_path / "t.arff")["all"]
    assert split.columns == ("größe", "petals")
    assert list(split.labels[:2]) == ["weiß", "黒"]  # type: ignore[index]


def test_dates_are_not_learnt_as_numbers(tmp_path: Path) -> None:
    text = IRIS.replace("'sepal length' REAL", "day DATE yyyy-MM-dd")
    for number in ("5.1", "?", "4.9", "6.3"):
        text = text.replace(f"\n{number},", "\n2020-01-05,")
    (tmp_path / "t.arff").write_text(text)
    with pytest.raises(DataError, match="dates, day"):
        formats.read(tmp_path / "t.arff")


def test_names_in_quotes_and_remarks_are_read(tmp_path: Path) -> None:
    text = """% of flowers
@relation "it's"
@attribute 'p q' numeric
@attribute "r" {'a b', "c", d\\'e, 'f,g'}
@attribute class {yes, no}
@data
1.5, 'a b', yes
% a remark
?, "c", no
2e3,'d\\'e',yes
4 , 'f,g' , no
"""
    (tmp_path / "t.arff").write_text(text)
    table = read_arff(tmp_path / "t.arff")
    assert table.names == ("p q", "r", "class")
    np.testing.assert_array_equal(table.values[:, 0], [1.5, np.nan, 2000, 4])
    assert table.words[1].tolist() == ["a b", "c", "d'e", "f,g"]
    (tmp_path / "t.arff").write_text(text.replace("2e3,'d\\'e',yes", "2e3,'d\\'e'"))
    with pytest.raises(DataError, match=r"line 10 of .* has 2 columns where 3 belong"):
        read_arff(tmp_path / "t.arff")


def test_rows_that_leave_zeros_away_are_refused(tmp_path: Path) -> None:
    head = IRIS.partition("5.1")[0]
    (tmp_path / "t.arff").write_text(head + "{0 5.1, 2 setosa}\n")
    with pytest.raises(DataError, match="leaves zeros away"):
        formats.read(tmp_path / "t.arff")


def test_it_is_as_scipy_reads_it(tmp_path: Path) -> None:
    arff = pytest.importorskip("scipy.io.arff")
    (tmp_path / "t.arff").write_text(IRIS)
    limit = csv.field_size_limit()
    records, meta = arff.loadarff(tmp_path / "t.arff")
    csv.field_size_limit(limit)  # which SciPy raises for the whole process
    table = read_arff(tmp_path / "t.arff")
    assert table.names == tuple(meta.names())
    np.testing.assert_array_equal(table.values[:, 0], records["sepal length"])
    assert table.words[2].tolist() == [word.decode() for word in records["class"].tolist()]
