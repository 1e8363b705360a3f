"""A label that is spread over columns of 0 and 1 is one label where it is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import DataError, UsageError
from mlp.data.formats import convert as formats
from mlp.data.formats.request import Request
from mlp.data.interpret import Meaning
from mlp.data.reading import Reading

NAMES = ["cat", "dog", "eel"]
LABEL = ",".join(NAMES)


def table(path: Path, order: str = "a,b,cat,dog,eel", header: bool = True) -> Path:
    rows = [order] if header else []
    for i in range(40):
        values = {
            "a": f"{i}.5",
            "b": str(-i),
            **{n: str(int(i % 3 == c)) for c, n in enumerate(NAMES)},
        }
        rows.append(",".join(values[name] for name in order.split(",")))
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("order", ["a,b,cat,dog,eel", "cat,dog,eel,a,b", "a,cat,b,eel,dog"])
def test_classes_are_named_by_the_columns(order: str, tmp_path: Path) -> None:
    found = formats.read(table(tmp_path / "t.csv", order), Reading(label=" cat, DOG,eel ", test=4))
    assert found.task.names == tuple(NAMES)
    assert found.inputs.names == ("a", "b")  # type: ignore[union-attr]
    split = formats.read_raw(tmp_path / "t.csv", Request(Reading(label=LABEL)))["all"]
    assert split.labels.tolist() == [NAMES[i % 3] for i in range(40)]  # type: ignore[union-attr]


def test_the_columns_of_a_table_without_a_header_are_numbered(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", "a,cat,dog,eel,b", header=False)
    split = formats.read_raw(path, Request(Reading(label="1,2,-2", drop="4")))["all"]
    assert split.labels.tolist() == [str(i % 3) for i in range(40)]  # type: ignore[union-attr]
    assert split.features.tolist() == [[i + 0.5] for i in range(40)]


def test_a_model_is_measured_on_a_table_with_or_without_them(tmp_path: Path) -> None:
    reading = Reading(label=LABEL)
    trained = formats.read(table(tmp_path / "t.csv"), reading)
    known = Meaning(trained.task, trained.inputs)
    other = table(tmp_path / "u.csv", "eel,b,dog,a,cat")
    again = formats.read(other, reading, known=known)
    np.testing.assert_array_equal(again.train.labels, trained.train.labels)
    np.testing.assert_array_equal(again.train.images, trained.train.images)
    rows = [f"{i}.5,{-i},{NAMES[i % 3]}" for i in range(40)]
    (tmp_path / "w.csv").write_text("a,b,class\n" + "\n".join(rows))
    words = formats.read(tmp_path / "w.csv", reading, known=known)
    np.testing.assert_array_equal(words.train.labels, trained.train.labels)


@pytest.mark.parametrize("order", ["a,b,cat,dog,eel", "cat,dog,eel,a,b"])
def test_all_of_them_are_advised_and_never_one(order: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"such as --label {LABEL}$"):
        formats.read(table(tmp_path / "t.csv", order))


@pytest.mark.parametrize(
    ("label", "drop", "message"),
    [
        ("a,cat", None, "row 1 of .* has not"),
        ("cat,dog", None, "row 3 of .* has not"),
        ("cat,dog,cat", None, "twice"),
        ("cat,dog,cow", None, "no column 'cow'"),
        (LABEL, "cat", "--label and --drop name the same column"),
        (LABEL, "3", "--label and --drop name the same column"),
    ],
)
def test_what_is_no_one_hot_label_is_refused(
    label: str, drop: str | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises((DataError, UsageError), match=message):
        formats.read(table(tmp_path / "t.csv"), Reading(label=label, drop=drop))


def test_a_model_of_numbers_knows_the_name_of_its_column(tmp_path: Path) -> None:
    rows = [(i + 0.5, i * i % 7, 2.5 * i) for i in range(30)]
    (tmp_path / "t.csv").write_text("a,b,price\n" + "".join(f"{a},{b},{p}\n" for a, b, p in rows))
    trained = formats.read(tmp_path / "t.csv", Reading(label="-1"), kind="regression")
    known = Meaning(trained.task, trained.inputs)
    (tmp_path / "u.csv").write_text("price,b,a\n" + "".join(f"{p},{b},{a}\n" for a, b, p in rows))
    found = formats.read(tmp_path / "u.csv", Reading(), kind="regression", known=known)
    np.testing.assert_allclose(found.train.labels, trained.train.labels)
    (tmp_path / "v.csv").write_text("b,a\n" + "".join(f"{b},{a}\n" for a, b, _ in rows))
    with pytest.raises(DataError, match=r"to measure the model by: add the column price$"):
        formats.read(tmp_path / "v.csv", Reading(), kind="regression", known=known)
