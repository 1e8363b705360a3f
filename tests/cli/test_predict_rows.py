"""mlp predict --rows: every form of a file gets the answers of the arrays in it, or a sentence."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Command, Result, refused, start
from PIL import Image

from mlp.data.formats.idx import write_idx
from mlp.data.inputs import Columns, Pixels
from mlp.data.task import Task
from mlp.models.metadata import Metadata
from mlp.models.model_file import save
from mlp.models.predict import predict, probabilities
from mlp.nn.network import MLP

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (60, 8, 8), dtype=np.uint8)
PIXELS = X.reshape(60, 64).tolist()
HEAD = [f"pixel{i}" for i in range(64)]
GRID = [f"{i + 1}x{j + 1}" for i in range(8) for j in range(8)]
NAMES = ("cat", "dog", "eel")
MODEL = MLP([64, 16, 3], seed=1)
MODEL.metadata = Metadata(task=Task(names=NAMES), inputs=Pixels(0, 255, (8, 8)))
ANSWERS = predict(MODEL, X)
WORDS = [NAMES[answer] for answer in ANSWERS]

FLOWERS = MLP([3, 8, 2], seed=2)
FLOWERS.metadata = Metadata(
    task=Task(names=("rose", "tulip")),
    inputs=Columns(("a", "b", "c"), (1.0, 2.0, 3.0), (0.5, 1.0, 2.0)),
)
ROWS = RNG.normal(2, 2, (40, 3))
KINDS = [("rose", "tulip")[answer] for answer in predict(FLOWERS, ROWS)]


@pytest.fixture
def run(mlp: Command, tmp_path: Path) -> Callable[..., Result]:
    save(MODEL, tmp_path / "m.safetensors")
    save(FLOWERS, tmp_path / "f.safetensors")

    def run(rows: object, *arguments: object, model: str = "m.safetensors") -> Result:
        return mlp("predict", "--rows", rows, "--model", model, "--device", "cpu", *arguments)

    return run


def table(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


def lines(rows: Any, mark: str = ",") -> str:
    return "".join(mark.join(map(str, row)) + "\n" for row in rows)


def flat(header: str = ",".join(HEAD)) -> str:
    return (header + "\n" if header else "") + lines(PIXELS)


def write_folder(path: Path, *, classes: bool) -> None:
    for i, (image, word) in enumerate(zip(X, WORDS, strict=True)):
        place = path / word if classes else path
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{i:03}.png")


def zipped(path: Path, inner: str, content: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(inner, content)


def write_gz(path: Path, other: Path) -> None:
    path.write_bytes(gzip.compress(other.read_bytes()))
    other.unlink()


FORMS: dict[str, Callable[[Path], object]] = {
    "rows.npz": lambda p: np.savez(p, X=X),
    "packed.npz": lambda p: np.savez_compressed(p, x_test=X, y_test=np.array(WORDS)),
    "flat.npz": lambda p: np.savez(p, X=X.reshape(60, 64)),
    "fortran.npz": lambda p: np.savez(p, X=np.asfortranarray(X)),
    "channel.npz": lambda p: np.savez(p, X=X[..., None]),
    "both.npz": lambda p: np.savez(p, x_train=X[:7], y_train=np.zeros(7), x_test=X, y_test=WORDS),
    "shares.npz": lambda p: np.savez(p, X=(X / 255).astype(np.float32)),
    "rows.npy": lambda p: np.save(p, X),
    "wide.npy": lambda p: np.save(p, X.astype(np.int64)),
    "rows.npy.gz": lambda p: (np.save(p.with_name("x.npy"), X), write_gz(p, p.with_name("x.npy"))),
    "a-images-idx3-ubyte": lambda p: write_idx(p, X),
    "a-images-idx3-ubyte.gz": lambda p: write_idx(p, X),
    "big-images-idx3-int": lambda p: write_idx(p, X.astype(np.int32)),
    "rows.csv": lambda p: p.write_text(flat()),
    "bare.csv": lambda p: p.write_text(flat("")),
    "rows.csv.gz": lambda p: p.write_bytes(gzip.compress(flat().encode())),
    "rows.zip": lambda p: zipped(p, "deep/test.csv", flat()),
    "windows.csv": lambda p: p.write_bytes(flat().replace("\n", "\r\n").encode()),
    "semicolons.csv": lambda p: p.write_text(flat().replace(",", ";")),
    "quoted.csv": lambda p: p.write_text(lines([[f'"{v}"' for v in r] for r in PIXELS])),
    "floats.csv": lambda p: p.write_text(lines((X.reshape(60, 64) / 255).tolist())),
    "grid.csv": lambda p: p.write_text(flat(",".join(GRID))),
    "backwards.csv": lambda p: p.write_text(
        lines([HEAD[::-1], *(row[::-1] for row in PIXELS)])
    ),
    "labelled.csv": lambda p: p.write_text(
        lines([["label", *HEAD],
               *([word, *row] for word, row in zip(WORDS, PIXELS, strict=True))])
    ),
    "numbered.csv": lambda p: p.write_text(
        lines([["Id", *HEAD],
               *([i + 1, *row] for i, row in enumerate(PIXELS))])
    ),
    "classes": lambda p: write_folder(p, classes=True),
    "pictures": lambda p: write_folder(p, classes=False),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gets_the_answers_of_its_arrays(
    form: str, run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.data.formats.rows.CHUNK_BYTES", 64 * 9)  # of nine rows or one
    FORMS[form](tmp_path / form)
    done = run(form, "--columns", "ImageId,Label")
    assert done.code == 0, done.err
    head, *rows = table(done.out)
    assert head == ["ImageId", "Label"]
    assert rows == [[str(i + 1), word] for i, word in enumerate(WORDS)]
    is_labelled = form in ("packed.npz", "both.npz", "labelled.csv", "classes")
    assert ("accuracy 100.00%: 60 right of 60" in done.err) == is_labelled


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "ones.npz": (lambda p: np.savez(p, X=(X > 99) * 1), "0 to 1"),
    "few.npz": (lambda p: np.savez(p, X=X // 16), "0 to 15"),
    "wide.npz": (lambda p: np.savez(p, X=X.astype(np.uint16) * 9), "in row 1"),
    "signed.npz": (lambda p: np.savez(p, X=X / 127.5 - 1), "go from -"),
    "size.npz": (lambda p: np.savez(p, X=X.reshape(60, 4, 16)), "8 x 8"),
    "short.csv": (lambda p: p.write_text(lines(X.reshape(60, 64)[:, :60].tolist())), "60 columns"),
    "long.csv": (lambda p: p.write_text(lines(np.hstack([X.reshape(60, 64)] * 2).tolist())), "128"),
    "ones.csv": (lambda p: p.write_text(lines([[v // 128 for v in r] for r in PIXELS])), "0 to 1"),
    "late.npy": (lambda p: np.save(p, X + 300 * (np.arange(60)[:, None, None] == 41)), "row 42"),
    "hole.csv": (
        lambda p: p.write_text(lines([["" if (i, j) == (33, 5) else v for j, v in enumerate(row)]
                                      for i, row in enumerate(PIXELS)])),
        "row 34",
    ),
    "ragged.csv": (lambda p: p.write_text(flat() + "1,2\n"), "line 62"),
    "empty.npz": (lambda p: np.savez(p, X=X[:0]), "no rows"),
    "cut.npy": (lambda p: p.write_bytes((np.save(p, X), p.read_bytes())[1][:-9]), "damaged"),
    "no.csv": (lambda p: None, "there is no file"),
    "text.md": (lambda p: p.write_text("# no data"), "no dataset"),
}  # fmt: skip


@pytest.mark.parametrize("form", WRONG)
def test_other_rows_are_refused_and_nothing_is_written(
    form: str, run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.data.formats.rows.CHUNK_BYTES", 64 * 9)
    write, word = WRONG[form]
    write(tmp_path / form)
    before = {path.name for path in tmp_path.iterdir()}
    refused(run(form, "--out", "out.csv"), word)
    assert {path.name for path in tmp_path.iterdir()} == before


def test_columns_are_found_by_their_names_in_any_order(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    rows = [[f"0{i}", c, KINDS[i], a, f"n,{i}", b]
            for i, (a, b, c) in enumerate(ROWS.tolist())]  # fmt: skip
    head = ["Key", "c", "species", "a", "name", "b"]
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    done = run("t.csv", "--columns", "key,name,species,tulip,probability", model="f.safetensors")
    assert done.code == 0, done.err
    told, *found = table(done.out)
    assert told == ["key", "name", "species", "tulip", "probability"]
    assert [row[0] for row in found] == [row[0] for row in rows]  # as it is written
    assert [row[1] for row in found] == [row[4] for row in rows]
    assert [row[2] for row in found] == KINDS
    wanted = probabilities(FLOWERS, ROWS)
    np.testing.assert_allclose([float(row[3]) for row in found], wanted[:, 1], rtol=1e-5)
    np.testing.assert_allclose([float(row[4]) for row in found], wanted.max(axis=1), rtol=1e-5)
    assert "accuracy 100.00%" in done.err
    assert "does not read Key, name" in done.err


def write_arff(path: Path, rows: list[list[str]]) -> None:
    kinds = ["numeric"] * 3 + ["{" + ",".join(dict.fromkeys(row[i] for row in rows)) + "}"
                               for i in (3, 4)]  # fmt: skip
    head = "".join(f"@attribute {n} {k}\n" for n, k in zip(PASSED, kinds, strict=True))
    path.write_text(f"@relation t\n{head}@data\n{lines(rows)}")


def write_parquet(path: Path, rows: list[list[str]]) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow as arrow
    from pyarrow import parquet

    columns = {n: list(c) for n, c in zip(PASSED, zip(*rows, strict=True), strict=True)}
    numbers = {n: arrow.array(map(float, columns[n])) for n in "abc"}
    parquet.write_table(arrow.table(columns | numbers), path)


PASSED = ["a", "b", "c", "key", "number"]


@pytest.mark.parametrize(
    ("form", "write"),
    [
        ("t.csv", lambda p, r: p.write_text(lines([PASSED, *r]))),
        ("t.tsv", lambda p, r: p.write_text(lines([PASSED, *r], "\t"))),
        ("t.csv.gz", lambda p, r: p.write_bytes(gzip.compress(lines([PASSED, *r]).encode()))),
        ("t.zip", lambda p, r: zipped(p, "t.csv", lines([PASSED, *r]))),
        ("t.arff", write_arff),
        ("t.parquet", write_parquet),
    ],
)
def test_columns_are_passed_on_as_they_are_written(
    form: str, write: Callable[[Path, Any], object], run: Callable[..., Result], tmp_path: Path
) -> None:
    write(tmp_path / form, [["1", "2", "3", "n" * 100 + f"{i}", f"0{i}.50"] for i in range(4)])
    done = run(form, "--columns", "key,number", model="f.safetensors")
    assert done.code == 0, done.err
    assert table(done.out)[1:] == [["n" * 100 + f"{i}", f"0{i}.50"] for i in range(4)]


def test_a_column_that_the_model_reads_must_be_there(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("a,b,d\n1,2,3\n")
    refused(run("t.csv", model="f.safetensors"), "no column 'c'")
    (tmp_path / "t.csv").write_text("a,b,b,c\n1,2,3,4\n")
    refused(run("t.csv", model="f.safetensors"), "2 columns 'b'")
    (tmp_path / "t.csv").write_text("a,b,c\n1,x,3\n2,y,4\n")
    refused(run("t.csv", model="f.safetensors"), "(b) of t.csv holds 'x' in row 1")
    (tmp_path / "t.csv").write_text("a,b,c\n1,2,3\n1,,3\n")
    refused(run("t.csv", model="f.safetensors"), "b of t.csv in row 2 has no value")


def test_columns_taken_in_their_order_are_told(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(lines(ROWS.tolist()))
    assert (
        "t.csv has no header: its columns are taken in the order a, b, c"
        in run("t.csv", model="f.safetensors").err
    )
    model = MLP([3, 8, 2], seed=2)
    numbered = Columns(("column 1", "column 2", "column 3"), (1.0, 2.0, 3.0), (0.5, 1.0, 2.0))
    model.metadata = Metadata(task=Task(names=("rose", "tulip")), inputs=numbered)
    save(model, tmp_path / "n.safetensors")
    assert "order" not in run("t.csv", model="n.safetensors").err
    (tmp_path / "t.csv").write_text("c,b,a\n" + lines(ROWS.tolist()))
    told = run("t.csv", model="n.safetensors").err
    assert "trained without names of columns, and takes these in their order, c, b, a" in told


def test_columns_far_from_what_was_learnt_are_warned_of(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("a,b,c\n" + lines((ROWS * (1, 1, 100)).tolist()))
    told = run("t.csv", model="f.safetensors").err
    assert told.count("warning: c of t.csv is mostly around") == 1
    assert "where the model learnt from 3 ± 2" in told


def test_missing_values_are_filled_where_the_model_was_told_so(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    inputs = Columns(("a", "b", "c"), (1.0, 2.0, 3.0), (0.5, 1.0, 2.0), fill=True)
    model = MLP([3, 8, 2], seed=2)
    model.metadata = Metadata(task=Task(names=("rose", "tulip")), inputs=inputs)
    save(model, tmp_path / "fill.safetensors")
    (tmp_path / "t.csv").write_text("a,b,c\n1,,3\n,0,NA\n")
    done = run("t.csv", "--columns", "label", model="fill.safetensors")
    expected = predict(model, np.array([[1, 2, 3], [1, 0, 3]]))
    assert table(done.out)[1:] == [[("rose", "tulip")[answer]] for answer in expected]


def test_numbers_are_told_in_their_own_units(run: Callable[..., Result], tmp_path: Path) -> None:
    model = MLP([3, 8, 1], seed=3)
    task = Task("regression", ("value",), (), (200_000.0,), (50_000.0,))
    model.metadata = Metadata(task=task, inputs=FLOWERS.metadata.inputs)  # type: ignore[attr-defined]
    save(model, tmp_path / "r.safetensors")
    expected = predict(model, ROWS)
    np.savez(tmp_path / "t.npz", X=ROWS, y=expected[:, 0] + 1_000)
    done = run("t.npz", model="r.safetensors")
    assert table(done.out)[0] == ["id", "value"]
    np.testing.assert_allclose([float(row[1]) for row in table(done.out)[1:]], expected[:, 0])
    assert "MAE 1000" in done.err
    summary = json.loads(run("t.npz", "--json", model="r.safetensors").out)
    assert summary["rmse"] == pytest.approx([1_000], rel=1e-3)
    assert table(run("t.npz", "--columns", "Id,SalePrice", model="r.safetensors").out)[0] == [
        "Id", "SalePrice",
    ]  # fmt: skip


def test_several_answers_are_in_words(run: Callable[..., Result], tmp_path: Path) -> None:
    model = MLP([64, 8, 3], seed=4)
    model.metadata = Metadata(task=Task("multilabel", NAMES), inputs=Pixels(0, 255, (8, 8)))
    save(model, tmp_path / "l.safetensors")
    answers = predict(model, X)
    np.savez(tmp_path / "t.npz", X=X, y=answers)
    done = run("t.npz", "--columns", "label,cat", model="l.safetensors")
    words = [Task("multilabel", NAMES).describe(answer, NAMES) for answer in answers]
    assert [row[0] for row in table(done.out)[1:]] == words
    assert "accuracy 100.00%" in done.err


def test_labels_of_other_classes_are_told_and_answers_given(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    np.savez(tmp_path / "t.npz", X=X, y=np.array(["cow"] * 60))
    done = run("t.npz")
    assert (done.code, len(table(done.out))) == (0, 61)
    assert "not told" in done.err
    assert "cow" in done.err


def test_forms_of_answers(run: Callable[..., Result], tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=X, y=np.array(WORDS))
    rows = [{"id": i + 1, "label": word} for i, word in enumerate(WORDS)]
    assert [json.loads(line) for line in run("t.npz", "--jsonl").out.splitlines()] == rows
    told = json.loads(run("t.npz", "--json").out)
    assert (told["answers"], told["accuracy"], told["rows"]) == (rows, 1.0, 60)
    for ending, read in (
        ("jsonl", lambda text: [json.loads(line) for line in text.splitlines()]),
        ("json", lambda text: json.loads(text)["answers"]),
        ("csv", lambda text: [{"id": int(a), "label": b} for a, b in table(text)[1:]]),
    ):
        done = run("t.npz", "--out", f"out.{ending}")
        assert "60 rows" in done.out
        assert read((tmp_path / f"out.{ending}").read_text()) == rows
    summary = json.loads(run("t.npz", "--out", "new.csv", "--json").out)
    assert (summary["out"], summary["correct"]) == ("new.csv", 60)
    assert table(run("t.npz", "--out", "-").out)[1:] == [
        [str(i + 1), w] for i, w in enumerate(WORDS)
    ]
    head = table(run("t.npz", "--columns", "id,probabilities").out)[0]
    assert head == ["id", *NAMES]


def test_nothing_is_overwritten_unasked(run: Callable[..., Result], tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=X)
    (tmp_path / "out.csv").write_text("mine")
    refused(run("t.npz", "--out", "out.csv"), "--force", code=2)
    assert (tmp_path / "out.csv").read_text() == "mine"
    assert run("t.npz", "--out", "out.csv", "--force").code == 0
    assert len(table((tmp_path / "out.csv").read_text())) == 61
    shutil.copy(tmp_path / "out.csv", tmp_path / "rows.csv")
    refused(run("rows.csv", "--out", "rows.csv", "--force"), "file of the rows", code=2)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--columns", "id,id"), "a name of its own"),
        (("--columns", "id,,label"), "a name of its own"),
        (("--columns", "idd,answer"), "idd"),
        (("--json", "--jsonl"), "choose one"),
        (("--out", "a.txt"), ".csv"),
        (("--out", "a.csv", "--jsonl"), "--jsonl"),
        (("--many",), "pictures"),
        (("photo.png",), "--rows"),
    ],
)
def test_options_that_make_no_sense(
    arguments: tuple[str, ...], word: str, run: Callable[..., Result], tmp_path: Path
) -> None:
    np.savez(tmp_path / "t.npz", X=X)
    refused(run("t.npz", *arguments), word, code=2)


def test_pictures_are_named_by_their_files(run: Callable[..., Result], tmp_path: Path) -> None:
    write_folder(tmp_path / "classes", classes=True)
    rows = table(run("classes", "--columns", "file,label").out)[1:]
    assert sorted(rows) == sorted([f"{w}/{i:03}.png", w] for i, w in enumerate(WORDS))


@pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way there")
def test_an_interrupt_leaves_no_file(tmp_path: Path) -> None:
    save(MODEL, tmp_path / "m.safetensors")
    np.save(tmp_path / "t.npy", np.tile(X, (40_000, 1, 1)))
    command = ("predict", "--rows", "t.npy", "--model", "m.safetensors", "--device", "cpu",
               "--columns", "id,label,probabilities", "--out", "out.csv")  # fmt: skip
    process = start(*command, cwd=tmp_path)
    while not any(path.name.startswith(".out.csv") for path in tmp_path.iterdir()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert {path.name for path in tmp_path.iterdir()} == {"m.safetensors", "t.npy"}
