"""Which column is the label: by its name, by the user's word, or by its looks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import DataError, UsageError
from mlp.data.formats.columns import as_raw
from mlp.data.formats.table import read_table
from mlp.data.raw import RawSplit
from mlp.data.reading import Reading

Read = Callable[..., RawSplit]
LABELS = np.arange(60) % 4


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def read(tmp_path: Path, notes: list[str]) -> Read:
    def read(*texts: str, **reading: object) -> RawSplit:
        paths = [tmp_path / f"{i}.csv" for i in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        return as_raw(list(map(read_table, paths)), Reading(**reading), notes.append)[-1]

    return read


def columns(*arrays: np.ndarray, header: str = "") -> str:
    rows = "\n".join(",".join(map(str, row)) for row in zip(*arrays, strict=True))
    return f"{header}\n{rows}\n" if header else f"{rows}\n"


def numbers(most: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, most, 60)


@pytest.mark.parametrize(
    ("label", "expected", "features"),
    [
        (None, [7], [[0, 3]]),
        ("A", [0], [[7, 3]]),
        ("0", [0], [[7, 3]]),
        ("-1", [3], [[0, 7]]),
        ("b", [3], [[0, 7]]),
    ],
)
def test_a_label_is_found_by_name_or_number(
    read: Read, label: str | None, expected: list[int], features: list[list[int]]
) -> None:
    found = read("a,class,b\n0,7,3\n", label=label)
    assert found.labels is not None
    assert (found.labels.tolist(), found.features.tolist()) == (expected, features)


@pytest.mark.parametrize("name", ["clas", "3", "-4"])
def test_a_column_that_there_is_not_is_refused(read: Read, name: str) -> None:
    with pytest.raises(UsageError, match="there is no column"):
        read("a,class,b\n0,7,3\n", label=name)
    with pytest.raises(UsageError, match="there is no column"):
        read("a,class,b\n0,7,3\n", drop=name)


def test_columns_are_left_out(read: Read, notes: list[str]) -> None:
    found = read("id,a,label,b\n4,1,0,2\n5,1,1,3\n", drop="a")
    assert found.columns == ("b",)
    assert "numbers the rows" in notes[0]
    assert read("a,label,b\nx,1,2\n", drop="0").columns == ("b",)
    assert read("id,a,label\n1,2,0\n1,3,1\n").columns == ("id", "a")  # no number of rows


@pytest.mark.parametrize("place", ["first", "last"])
def test_without_a_header_the_column_that_looks_like_labels_is_taken(
    read: Read, notes: list[str], place: str
) -> None:
    pixels = [np.zeros(60, int), numbers(256), numbers(256, 1), np.zeros(60, int)]
    arrays = [LABELS, *pixels] if place == "first" else [*pixels, LABELS]
    found = read(columns(*arrays))
    assert found.labels is not None
    assert found.labels.tolist() == LABELS.tolist()
    assert "has no header" in notes[0]


def test_without_a_header_two_that_could_be_labels_are_refused(read: Read) -> None:
    with pytest.raises(DataError, match=r"both like labels: say --label 0"):
        read(columns(LABELS, numbers(256), np.arange(60) % 3))
    with pytest.raises(DataError, match=r"say --label 1 for the first or --label -2 for"):
        read(columns(AGE, LABELS, numbers(256), np.arange(60) % 3, AGE), drop="0,-1")
    with pytest.raises(DataError, match="neither like labels"):
        read(columns(numbers(256) / 2, numbers(256), np.arange(60)))


def test_words_are_the_label(read: Read) -> None:
    for header in ("", "size,kind"):
        found = read(columns(numbers(9), np.array(["a", "b"])[LABELS % 2], header=header))
        assert found.labels is not None
        assert found.labels.tolist() == ["ab"[i % 2] for i in LABELS]


def test_a_test_table_is_divided_as_the_training_table_was(read: Read) -> None:
    train = columns(np.zeros(60, int), numbers(256), LABELS)
    found = read(train, columns(numbers(4), numbers(256), LABELS))
    assert found.labels is not None
    assert found.labels.tolist() == LABELS.tolist()
    assert read(train, columns(numbers(4), numbers(256))).labels is None
    swapped = read("label,a,b\n1,2,3\n", "b,a,label\n3,2,1\n")
    assert swapped.columns == ("a", "b")
    assert swapped.features.tolist() == [[2, 3]]


def test_a_test_table_of_other_columns_is_refused(read: Read) -> None:
    with pytest.raises(DataError, match="c is a column of"):
        read("label,a,b\n1,2,3\n", "label,a,c\n1,2,3\n")
    with pytest.raises(DataError, match="do not belong together"):
        read("1,2,9\n2,3,4\n", "1,2,9,4,5\n")


SEX = np.array(["f", "m"])[numbers(2)]
AGE = numbers(80) / 2
SURVIVED = numbers(2, 1)


@pytest.mark.parametrize(
    ("arrays", "header", "choices"),
    [
        ((SURVIVED, AGE, SEX, AGE), "survived,age,sex,fare", "--label survived or --label sex"),
        ((AGE, SEX, SURVIVED), "age,sex,survived", "--label survived or --label sex"),
        ((SEX, AGE, SURVIVED), "", "--label 2 or --label 0"),
    ],
)
def test_words_beside_other_possible_labels_are_not_taken_for_the_label(
    read: Read, arrays: tuple[np.ndarray, ...], header: str, choices: str
) -> None:
    with pytest.raises(DataError, match=choices):
        read(columns(*arrays, header=header))
    found = read(columns(*arrays, header=header), label=choices.split()[1])
    assert found.labels is not None
    assert found.labels.tolist() == SURVIVED.tolist()


@pytest.mark.parametrize(
    ("arrays", "header"),
    [
        ((SURVIVED, AGE, SEX), "smokes,age,sex"),  # the last column
        ((SEX, SURVIVED, numbers(2, 2)), "party,vote,other"),  # all numbers are few
        ((SEX, AGE, SURVIVED), "kind,pixel0,pixel1"),
    ],
)
def test_words_are_the_label_where_nothing_else_looks_like_it(
    read: Read, arrays: tuple[np.ndarray, ...], header: str
) -> None:
    found = read(columns(*arrays, header=header))
    assert found.labels is not None
    assert found.labels.tolist() == SEX.tolist()


def test_names_of_rows_are_no_labels(read: Read) -> None:
    names = np.array([f"animal {i}" for i in range(60)])
    table = columns(names, numbers(9), SURVIVED, header="name,legs,kind")
    with pytest.raises(DataError, match=r"holds 60 different words.*leave it out with --drop"):
        read(table)
    found = read(table, drop="name", label="kind")
    assert found.labels is not None
    assert found.labels.tolist() == SURVIVED.tolist()
    with pytest.raises(DataError, match="holds 60 different words"):
        read(columns(names, numbers(9), SURVIVED))
