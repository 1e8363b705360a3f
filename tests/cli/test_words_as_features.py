"""Words as features: kept by name in the model, and found in other rows by every command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command, refused
from passengers import passengers


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_other_rows_are_answered_by_name_whatever_words_they_hold(
    mlp: Command, tmp_path: Path, header: bool, ending: str
) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
        if not header:
            pytest.skip("its columns have names")
    names, lines = passengers(300)
    (tmp_path / "t.csv").write_text("\n".join([names, *lines] if header else lines) + "\n")
    label = "survived" if header else "1"
    kept = ("--drop", "id") if header else ("--drop", "0")
    trained = mlp("train", "--dataset", "t.csv", "--label", label, *kept, "--epochs", "30",
                  "--out", "m.safetensors", "--json")  # fmt: skip
    assert trained.code == 0, trained.err
    right = json.loads(mlp("eval", "m.safetensors", "--json").out)
    assert right["test_accuracy"] > 0.85

    # No label, other words and other columns, in another order where they have names.
    rows = [line.split(",", 2) for line in lines[:20] if '"n,y"' not in line]
    others = [[number, *rest.split(",")] for number, _, rest in rows]
    others[0][3] = '"Rom"'
    order = [4, 0, 3, 1, 2] if header else [1, 2, 3, 4]
    title = [["id", "sex", "paid", "place", "fare"][k] for k in order]
    text = [",".join(title)] * header + [",".join(row[k] for k in order) for row in others]
    (tmp_path / "new.csv").write_text("\n".join(text) + "\n")
    if ending == "parquet":
        from pyarrow import csv, parquet

        parquet.write_table(csv.read_csv(tmp_path / "new.csv"), tmp_path / "new.parquet")
    found = mlp("predict", "--rows", f"new.{ending}", "--model", "m.safetensors", "--out", "a.csv")
    assert found.code == 0, found.err
    whole = mlp("predict", "--rows", "t.csv", "--model", "m.safetensors", "--out", "b.csv")
    assert whole.code == 0, whole.err
    answers, all_answers = (
        [line.split(",")[1] for line in (tmp_path / name).read_text().splitlines()[1:]]
        for name in ("a.csv", "b.csv")
    )
    same = [int(row[0]) for row in others[1:]]
    assert answers[1:] == [all_answers[place] for place in same]


def test_a_set_of_its_own_is_evaluated_by_name(mlp: Command, tmp_path: Path) -> None:
    names, lines = passengers(200)
    (tmp_path / "t.csv").write_text("\n".join([names, *lines]))
    done = mlp("train", "--dataset", "t.csv", "--label", "survived", "--epochs", "3", "--json",
               "--out", "m.safetensors")  # fmt: skip
    assert done.code == 0, done.err
    few = [line for line in lines if '"n,y"' not in line]
    swapped = [",".join(line.split(",")[k] for k in (0, 1, 5, 4, 3, 2)) for line in few]
    (tmp_path / "other.csv").write_text("\n".join(["id,survived,fare,place,paid,sex", *swapped]))
    told = mlp("eval", "m.safetensors", "--dataset", "other.csv", "--json")
    assert told.code == 0, told.err
    (tmp_path / "lost.csv").write_text("fare,survived\n" + "\n".join(["7.5,yes", "9,no"] * 20))
    refused(mlp("eval", "m.safetensors", "--dataset", "lost.csv"), "no column 'sex'")


def test_words_are_compared_as_they_are_written(mlp: Command, tmp_path: Path) -> None:
    codes = ["01", "02", "A1", "B2", "C3"]
    rows = [f"{codes[i % 5]},{'yn'[i % 5 % 2]}" for i in range(100)]
    (tmp_path / "t.csv").write_text("\n".join(["code,label", *rows]))
    done = mlp("train", "--dataset", "t.csv", "--label", "label", "--epochs", "20", "--json",
               "--out", "m.safetensors")  # fmt: skip
    assert done.code == 0, done.err
    (tmp_path / "new.csv").write_text("code\n" + "01\n02\n" * 5)
    assert (
        mlp("predict", "--rows", "new.csv", "--model", "m.safetensors", "--out", "a.csv").code == 0
    )
    answers = [line.split(",")[1] for line in (tmp_path / "a.csv").read_text().splitlines()[1:]]
    assert answers == ["y", "n"] * 5
    (tmp_path / "few.csv").write_text("code,label\n" + "1,y\n2,n\n" * 20)
    refused(mlp("eval", "m.safetensors", "--dataset", "few.csv"), "holds numbers such as 1, where")


def test_a_set_is_evaluated_whatever_else_it_holds(mlp: Command, tmp_path: Path) -> None:
    rows = [f"{['true', 'false', 'maybe'][i % 3]},{'yn'[i % 3 == 2]},row {i}" for i in range(90)]
    (tmp_path / "t.csv").write_text("\n".join(["flag,label,name", *rows]))
    done = mlp("train", "--dataset", "t.csv", "--drop", "name", "--epochs", "20", "--json",
               "--out", "m.safetensors")  # fmt: skip
    assert done.code == 0, done.err
    plain = [f"{['true', 'false'][i % 2]},y,{i}x,text {i}" for i in range(60)]
    (tmp_path / "o.csv").write_text("\n".join(["flag,label,other,more", *plain, "maybe,n,x,y"]))
    told = mlp("eval", "m.safetensors", "--dataset", "o.csv", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["test_accuracy"] > 0.9
