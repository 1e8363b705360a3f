"""A label that is spread over columns of 0 and 1 is one label where it is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import DataError, UsageError
from mlp.data.formats import convert as formats
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows
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


@pytest.mark.parametrize("order", ["a,b,cat,dog,eel", "cat,dog,eel,a,b", "a,cat,b,eel,dog"])
@pytest.mark.parametrize("header", [True, False])
def test_one_of_them_alone_is_refused_as_the_others_would_tell_it(
    order: str, header: bool, tmp_path: Path
) -> None:
    path = table(tmp_path / "t.csv", order, header)
    names = order.split(",")
    own = [n if header else str(names.index(n)) for n in NAMES]
    group = sorted(own, key=lambda n: names.index(n) if header else int(n))
    rest = ",".join(n for n in group if n != own[2])
    with pytest.raises(
        UsageError, match=f"--label {','.join(group)}, or leave the others out with --drop {rest}$"
    ):
        formats.read(path, Reading(label=own[2]))
    found = formats.read(path, Reading(label=own[2], drop=rest, test=4))
    assert found.task.names == ("0", "1")
    assert found.train.images.shape == (36, 2)


def test_the_same_holds_in_an_array(tmp_path: Path) -> None:
    rows = [[i + 0.5, -i, *(int(i % 3 == c) for c in range(3))] for i in range(40)]
    np.save(tmp_path / "t.npy", np.array(rows))
    with pytest.raises(UsageError, match="name all of them, as --label 2,3,4, or leave"):
        formats.read(tmp_path / "t.npy", Reading(label="-1"))
    found = formats.read(tmp_path / "t.npy", Reading(label="2,-2,4", test=4))
    assert found.task.names == ("0", "1", "2")
    assert found.train.images.shape == (36, 2)
    for label, sentence in (("2,2", "twice"), ("2,9", "no column"), ("0,1", "not all 0 or 1")):
        with pytest.raises((DataError, UsageError), match=sentence):
            formats.read(tmp_path / "t.npy", Reading(label=label))


@pytest.mark.parametrize("header", ["label,p0,p1,p2,p3", ""])
def test_a_pixel_of_a_bitmap_may_be_the_label(header: str, tmp_path: Path) -> None:
    rows = [f"{i % 2},{1 - i % 2},{i % 2},{i // 2 % 2},1" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join([*([header] if header else []), *rows]) + "\n")
    assert formats.read(tmp_path / "t.csv", Reading(label="0")).task.names == ("0", "1")


def test_words_of_a_text_may_be_disjoint_by_accident(tmp_path: Path) -> None:
    """Each text of the first class has a word of its own, which the others have not."""
    rows = np.random.default_rng(0).integers(0, 2, (60, 70))
    rows[:, :30] = 0
    rows[::2, :30] = np.eye(30, dtype=int)
    rows[:, -1] = np.arange(60) % 2
    header = ",".join([*(f"word {i}" for i in range(69)), "spam"])
    np.savetxt(tmp_path / "t.csv", rows, "%d", ",", header=header, comments="")
    assert formats.read(tmp_path / "t.csv", Reading(label="spam")).task.names == ("0", "1")


def test_a_few_rows_may_look_so_by_accident(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,is b,label\n" + "0.5,1,0\n1.5,0,1\n" * 9)
    assert formats.read(tmp_path / "t.csv").task.names == ("0", "1")


def rows_of(path: Path, asked: Asked, reading: Reading) -> list[Rows]:
    return list(formats.read_rows(path, Request(reading), asked))


@pytest.mark.parametrize("header", [True, False])
def test_rows_to_be_answered_have_them_for_labels(
    header: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.data.formats.table._BLOCK", 7)
    own = LABEL if header else "2,3,4"
    reading = Reading(label=own)
    trained = formats.read(table(tmp_path / "t.csv", header=header), reading)
    asked = Asked(trained.inputs, 2, (), trained.task.names)  # type: ignore[arg-type]
    found = rows_of(tmp_path / "t.csv", asked, reading)
    labels = [label for part in found for label in part.raw.labels.tolist()]  # type: ignore[union-attr]
    assert labels == [trained.task.names[i % 3] for i in range(40)]
    text = (tmp_path / "t.csv").read_text()
    start = 1 if header else 0
    lines = text.splitlines()
    lines[start] = "0.5,0,,,"  # these two have no label
    lines[start + 20] = "20.5,-20,0,0,0"
    (tmp_path / "u.csv").write_text("\n".join(lines) + "\n")
    found = rows_of(tmp_path / "u.csv", asked, reading)
    labels = [label for part in found for label in part.raw.labels.tolist()]  # type: ignore[union-attr]
    assert [i for i, label in enumerate(labels) if not label] == [0, 20]
    lines[start + 20] = "20.5,-20,1,1,0"
    (tmp_path / "v.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="but row 21 of"):
        rows_of(tmp_path / "v.csv", asked, reading)
    bare = "\n".join(",".join(line.split(",")[:2]) for line in lines) + "\n"
    (tmp_path / "w.csv").write_text(bare)
    assert all(part.raw.labels is None for part in rows_of(tmp_path / "w.csv", asked, reading))
