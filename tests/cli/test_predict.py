"""mlp predict as its users meet it: what it says of pictures, labels, folders and broken files."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import DATA, Command, Result, refused
from hard_pictures import Scene, draw_digit, page_of_rows, photograph, place
from PIL import Image

from mlp.cli.predict import predict as command
from mlp.data.task import Task
from mlp.handwriting import extract_digit, extraction
from mlp.models.metadata import Metadata
from mlp.models.model_file import load, save
from mlp.nn.network import MLP

DIGITS = (2, 3, 4, 7)

PHOTO = Scene(paper=(206, 204, 196), pen=(40, 60, 170), light=0.2, grain=3.0)


def picture(*digits: int) -> Image.Image:
    """A photo of digits side by side."""
    drawn = [draw_digit(digit, 110) for digit in digits]
    return Image.fromarray(photograph(place(drawn, 180, 130 * len(digits) + 60, 30), PHOTO))


@pytest.fixture
def run(reader: Path, mlp: Command) -> Command:
    """Run ``mlp predict`` with a model that reads, and return what it said."""

    def run(*arguments: Any, model: Path | None = reader) -> Result:
        chosen = ["--model", model] if model else []
        return mlp("predict", *arguments, *chosen, "--device", "cpu")

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of some digits with their labels, one of which is wrong, and a blank page."""
    folder = tmp_path_factory.mktemp("photos")
    for digit in DIGITS:
        picture(digit).save(folder / f"digit-{digit}.png")
    picture().save(folder / "empty.png")
    rows = [f"digit-{digit}.png,{digit if digit != 3 else 8}" for digit in DIGITS]
    (folder / "labels.csv").write_text("\n".join(["file,label", *rows, "empty.png,1", ""]))
    return folder


# One picture


def test_one_picture_is_read_with_its_chart(run: Command, folder: Path) -> None:
    path = folder / "digit-7.png"
    result = run(path)
    assert result.code == 0
    first, *rest = result.out.splitlines()
    assert re.fullmatch(rf"{re.escape(str(path))}: 7, \d+\.\d\d% sure", first)
    bars = [line for line in rest if re.search(r"\d \|.* \d+\.\d\d%$", line)]
    assert len(bars) == 10
    assert max(bars, key=lambda line: line.count("█")).split("|")[0].split()[-1] == "7"
    assert any(set(line) & set("▀▄█") and "|" not in line for line in rest), "the digit itself"
    assert "\x1b" not in result.out


def test_json_has_every_probability(run: Command, folder: Path) -> None:
    answer = json.loads(run(folder / "digit-4.png", "--json").out)
    (entry,) = answer["files"]
    assert set(answer) == {"model", "files"}
    assert entry["digit"] == 4
    (digit,) = entry["digits"]
    assert list(digit["probabilities"]) == list("0123456789")
    assert sum(digit["probabilities"].values()) == pytest.approx(1)
    assert digit["probability"] == entry["probability"] > 0.9  # as sure as its views agree
    assert digit["probability"] == round(digit["probability"], 4)
    assert max(digit["probabilities"], key=digit["probabilities"].get) == "4"
    assert 60 < digit["box"]["bottom"] - digit["box"]["top"] < 180


def test_every_form_of_weights_will_do(
    run: Command, reader: Path, folder: Path, tmp_path: Path
) -> None:
    from mlp.models.formats.convert import write_model

    write_model(load(reader), other := tmp_path / "reader.npz")
    of_both = [run(folder / "digit-2.png", "--json", model=m).out for m in (reader, other)]
    first, second = (json.loads(out)["files"] for out in of_both)
    assert first == second


def test_below_the_confidence_asked_for_it_is_not_sure(run: Command, folder: Path) -> None:
    unsure = run(folder / "digit-7.png", "--sure", "1")
    assert re.search(r": 7, not sure \(\d+\.\d\d%\)", unsure.out)
    assert unsure.code == 0
    entry = json.loads(run(folder / "digit-7.png", "--sure", "1", "--json").out)["files"][0]
    assert (entry["digit"], entry["sure"]) == (7, False)
    entry = json.loads(run(folder / "digit-7.png", "--sure", "0", "--json").out)["files"][0]
    assert entry["sure"] is True


def test_a_picture_from_standard_input(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    picture(6).save(content, "JPEG")
    content.seek(0)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    result = run("-", "--no-chart")
    assert re.fullmatch(r"-: 6, (\d+\.\d\d% sure|not sure \(\d+\.\d\d%\))", result.out.strip())


def test_standard_input_that_never_ends_is_not_read(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[command.__module__], "MAX_BYTES", 1 << 20)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(2 << 20))))
    result = run("-")
    assert (result.code, result.out) == (1, "")
    assert "the picture has more than 1 MB" in result.err


# Steps


def test_steps_are_drawn_and_saved(run: Command, folder: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "steps.png"
    result = run(folder / "digit-2.png", "--steps", "--save", sheet)
    for name in ("picture", "ink", "threshold", "strokes", "image"):
        assert re.search(rf"^{name}\b|\s{name}\b", result.out, re.MULTILINE), name
    assert all(len(line) <= 80 for line in result.out.splitlines()[1:])
    with Image.open(sheet) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image)
    assert pixels.shape[1] > pixels.shape[0] > 100
    assert (pixels < 64).mean() > 0.01, "there is ink on the sheet"

    before = sheet.read_bytes()
    refused = run(folder / "digit-3.png", "--save", sheet)
    assert refused.code == 2
    assert "--force" in refused.err
    assert sheet.read_bytes() == before
    assert run(folder / "digit-3.png", "--save", sheet, "--force").code == 0
    assert sheet.read_bytes() != before


@pytest.mark.parametrize("name", ["steps.jpg", "none/steps.png"])
def test_a_sheet_that_cannot_be_written_is_refused_first(
    run: Command, folder: Path, tmp_path: Path, name: str
) -> None:
    result = run(folder / "digit-2.png", "--save", tmp_path / name)
    assert (result.code, result.out) == (2, "")


# Several digits


def test_a_line_is_read_from_left_to_right(run: Command, tmp_path: Path) -> None:
    picture(2, 0, 7, 4).save(tmp_path / "line.png")
    entry = json.loads(run(tmp_path / "line.png", "--many", "--json").out)["files"][0]
    assert entry["digit"] == "2074"
    assert [digit["digit"] for digit in entry["digits"]] == [2, 0, 7, 4]
    lefts = [digit["box"]["left"] for digit in entry["digits"]]
    assert lefts == sorted(lefts)
    charts = run(tmp_path / "line.png", "--many").out
    assert charts.startswith(f"{tmp_path / 'line.png'}: 2074, ")
    assert [f"digit {n}: {d}," in charts for n, d in enumerate("2074", 1)] == [True] * 4


def test_each_row_is_printed_in_a_line_of_its_own(run: Command, tmp_path: Path) -> None:
    page = page_of_rows((2, 0, 7, 4), (3, 1), spacing=120)
    Image.fromarray(photograph(page, PHOTO)).save(tmp_path / "rows.png")
    (tmp_path / "labels.csv").write_text("file,label\nrows.png,2074 31\n")
    chosen = (tmp_path / "rows.png", "--many", "--no-chart", "--labels", tmp_path / "labels.csv")
    head, *below, _ = run(*chosen).out.splitlines()
    assert head.startswith(f"{tmp_path / 'rows.png'}: 2 rows, ")
    assert head.endswith(", right")
    assert below == ["  2074", "  31"]
    entry = json.loads(run(*chosen, "--json").out)["files"][0]
    assert (entry["digit"], entry["rows"], entry["right"]) == ("207431", ["2074", "31"], True)
    run(*chosen, "--out", tmp_path / "answers.csv")
    assert ",2074 31," in (tmp_path / "answers.csv").read_text()


def test_a_line_keeps_its_leading_zero(run: Command, tmp_path: Path) -> None:
    picture(0, 7).save(tmp_path / "line.png")
    (tmp_path / "labels.csv").write_text("file,label\nline.png,07\n")
    arguments = (tmp_path / "line.png", "--many", "--labels", tmp_path / "labels.csv", "--json")
    result = json.loads(run(*arguments).out)
    assert (result["correct"], result["total"]) == (1, 1)
    assert result["files"][0]["digit"] == result["files"][0]["label"] == "07"


def test_several_digits_where_one_is_expected_are_told(run: Command, tmp_path: Path) -> None:
    picture(2, 7).save(tmp_path / "line.png")
    result = run(tmp_path / "line.png")
    assert (result.code, result.out) == (1, "")
    assert "there are 2 digits" in result.err


# Several pictures


def test_what_cannot_be_read_stops_nothing(run: Command, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("seven")
    whole = (folder / "digit-2.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    bad = [
        folder / "empty.png",
        tmp_path / "notes.txt",
        tmp_path / "cut.png",
        tmp_path / "none.png",
    ]
    result = run(folder / "digit-4.png", *bad, folder / "digit-7.png")
    assert result.code == 1
    assert [line.split(": ")[1][0] for line in result.out.splitlines()] == ["4", "7"]
    problems = result.err.splitlines()[1:]
    assert len(problems) == 4
    for path, sentence in zip(bad, problems, strict=True):
        assert str(path) in sentence
    assert "nothing to read" in problems[0]
    files = json.loads(run(*bad, "--json").out)["files"]
    assert all(entry["problem"] and "digit" not in entry for entry in files)


def test_folders_and_patterns(run: Command, folder: Path) -> None:
    def found(*arguments: Any) -> list[str]:
        return [Path(e["file"]).name for e in json.loads(run(*arguments, "--json").out)["files"]]

    everything = [*(f"digit-{digit}.png" for digit in DIGITS), "empty.png"]
    assert found(folder / "digit-[2-4].png") == everything[:3]
    assert found(folder / "digit-7.png", folder) == ["digit-7.png", *everything[:3], "empty.png"]


@pytest.mark.parametrize("name", ["*.jpg", "."])
def test_where_there_is_no_picture(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(name)
    assert (result.code, result.out) == (1, "")
    assert name in result.err


# Labels


def test_a_labelled_folder_is_scored(run: Command, folder: Path) -> None:
    result = run(folder, "--labels", folder / "labels.csv", "--json")
    assert result.code == 1, "the blank page is not read"
    answer = json.loads(result.out)
    assert (answer["correct"], answer["total"]) == (3, 5)
    entries = {Path(entry["file"]).name: entry for entry in answer["files"]}
    assert (entries["digit-3.png"]["label"], entries["digit-3.png"]["right"]) == (8, False)
    assert (entries["digit-4.png"]["label"], entries["digit-4.png"]["right"]) == (4, True)
    assert entries["empty.png"]["right"] is False
    assert "problem" in entries["empty.png"]

    told = run(folder, "--labels", folder / "labels.csv").out
    assert told.splitlines()[-1] == "3 of 5 right (60.00%), 1 not read"
    assert "wrong: it is 8" in told


def test_labels_go_by_the_file_wherever_they_are(
    run: Command, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "l.csv").write_text("\ufefffile , label\r\ndigit-4.png,4\r\n\r\n", "utf-8")
    result = run(folder / "digit-4.png", folder / "digit-7.png", "--labels", tmp_path / "l.csv")
    assert result.out.splitlines()[-1] == "1 of 1 right (100.00%)"


def test_a_labelled_picture_that_is_missing_counts_as_wrong(run: Command, tmp_path: Path) -> None:
    picture(1).save(tmp_path / "1.png")
    (tmp_path / "labels.csv").write_text("file,label\n1.png,1\n2.png,2\n")
    result = run(tmp_path, "--labels", tmp_path / "labels.csv", "--json")
    answer = json.loads(result.out)
    assert (result.code, answer["correct"], answer["total"]) == (1, 1, 2)
    assert "no file" in answer["files"][1]["problem"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("digit-2.png,2\n", "file,label"),
        ("file,label\ndigit-2.png\n", "line 2"),
        ("file,label\ndigit-2.png,2\ndigit-2.png,3\n", "line 3"),
        ('file,label\n"digit-2.png,2\n', "CSV"),
        ("file,label\nother.png,1\n", "names none"),
        (None, "cannot read"),
    ],
)
def test_labels_that_make_no_sense(
    run: Command, folder: Path, tmp_path: Path, content: str | None, told: str
) -> None:
    labels = tmp_path / "labels.csv"
    if content is not None:
        labels.write_text(content)
    result = run(folder / "digit-2.png", "--labels", labels)
    assert result.code in (1, 2)
    assert result.out == ""
    assert told in result.err


# Models


def test_yes_or_no_is_answered_and_scored(run: Command, folder: Path, tmp_path: Path) -> None:
    """A network that says yes to whatever it sees; the labels may be digits or words."""
    model = MLP([784, 1], init="zeros", bias_init="zeros")
    model.parameters[-1] = 4.0
    model.metadata = Metadata(task=Task("binary", ("4 or 3",), (4, 3)))
    save(model, tmp_path / "even.safetensors")
    (tmp_path / "l.csv").write_text("file,label\ndigit-4.png,4\ndigit-3.png,yes\ndigit-7.png,7\n")
    pictures = [folder / f"digit-{digit}.png" for digit in (4, 3, 7)]
    result = run(*pictures, "--labels", tmp_path / "l.csv", model=tmp_path / "even.safetensors")
    assert re.findall(r": (yes|no), (\d+)", result.out) == [("yes", "98")] * 3
    assert result.out.splitlines()[-1].startswith("2 of 3 right")


def test_several_questions_are_answered_together(
    run: Command, folder: Path, tmp_path: Path
) -> None:
    model = MLP([784, 3], init="zeros", bias_init="zeros")
    model.parameters[-3:] = [4.0, -1.0, 2.0]
    model.metadata = Metadata(task=Task("multilabel", ("a", "b", "c")))
    save(model, tmp_path / "m.safetensors")
    result = run(folder / "digit-4.png", "--no-chart", model=tmp_path / "m.safetensors")
    assert ": a and c, 73.11% sure" in result.out


def test_a_model_for_images_of_another_size(run: Command, folder: Path, tmp_path: Path) -> None:
    save(MLP([64, 10]), tmp_path / "small.safetensors")
    result = run(folder / "digit-4.png", model=tmp_path / "small.safetensors")
    assert (result.code, result.out) == (1, "")
    assert "28 x 28" in result.err


def test_without_a_model_the_pretrained_one_is_used(
    run: Command, folder: Path, reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[command.__module__], "pretrained_model", lambda _: load(reader))
    result = run(folder / "digit-4.png", "--json", model=None)
    assert json.loads(result.out)["model"] == "packaged"
    assert json.loads(result.out)["files"][0]["digit"] == 4


# What a stranger's file or a fault may do


def test_names_from_a_file_cannot_steer_the_terminal(tmp_path: Path, mlp: Command) -> None:
    names = ("\x1b]0;owned\x07\x1b[2J", *("n" * 5_000 for _ in range(9)))
    model = MLP([784, 10], seed=0)
    model.metadata = Metadata(task=Task(names=names))
    object.__setattr__(model.metadata.task, "names", names)  # as another program would save it
    save(model, tmp_path / "m.safetensors")
    picture(4).save(tmp_path / "\x1b[31m4.png")
    said = mlp("predict", tmp_path / "\x1b[31m4.png", "--model", tmp_path / "m.safetensors")
    assert said.code == 0
    assert not set(said.out + said.err) & {"\x1b", "\x07"}
    assert r"\x1b[31m4.png" in said.out
    assert max(map(len, said.out.splitlines())) < 400
    assert not set(mlp("eval", tmp_path / "m.safetensors", *DATA).out) & {"\x1b", "\x07"}


def test_a_fault_in_one_picture_leaves_the_others_to_be_read(
    run: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = iter([IndexError("index 3 is out of bounds"), MemoryError(), None, None, None])

    def extract(pixels: Any) -> Any:
        fault = next(reads)
        if fault is not None:
            raise fault
        return extract_digit(pixels)

    monkeypatch.setattr(extraction, "extract_digit", extract)
    said = run(folder, "--json")
    files = json.loads(said.out)["files"]
    assert said.code == 1
    assert "fault of mlp (IndexError: index 3 is out of bounds)" in files[0]["problem"]
    assert "MemoryError" in files[1]["problem"]
    assert [file.get("digit") for file in files[2:4]] == [4, 7]


@pytest.mark.skipif(os.name == "nt", reason="a shell closes no streams there")
def test_a_closed_standard_input_is_told(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    said = run("-")
    assert said.code == 1
    assert "standard input is closed" in said.err


def test_labels_of_impossible_names_are_refused(run: Command, tmp_path: Path) -> None:
    picture(4).save(tmp_path / "4.png")
    (tmp_path / "labels.csv").write_bytes(b"file,label\n4\0.png,4\n")
    refused(run(tmp_path / "4.png", "--labels", tmp_path / "labels.csv"), "line 2", "file and its")


def test_a_picture_that_links_to_itself_is_told(run: Command, tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "labels.csv").write_text("file,label\nloop.png,4\n")
    said = run(tmp_path / "loop.png", "--labels", tmp_path / "labels.csv")
    assert said.code == 1
    assert "cannot be read" in said.err


def test_pictures_as_lines_and_as_a_table(run: Command, folder: Path) -> None:
    whole = json.loads(run(folder, "--json").out)["files"]
    said = run(folder, "--jsonl")
    assert [json.loads(line) for line in said.out.splitlines()] == whole
    assert said.code == 1
    run(folder, "--out", "answers.csv")
    head, *rows = csv.reader(Path("answers.csv").read_text().splitlines())
    assert head == ["file", "label", "probability", "problem"]
    assert [row[0] for row in rows] == [entry["file"] for entry in whole]
    assert [row[1] for row in rows] == [str(entry.get("digit", "")) for entry in whole]
    assert [row[3] for row in rows] == [entry.get("problem", "") for entry in whole]
    refused(run(folder, "--out", "answers.csv"), "--force", code=2)


def test_a_canvas_is_read_from_its_data_url(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    picture(7).save(content, "PNG")
    url = b"data:image/png;base64," + base64.b64encode(content.getvalue())
    for text, code in ((url, 0), (url + b"\n", 0), (b"data:image/png,x", 1)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        said = run("-", "--no-chart")
        assert said.code == code
        assert ("-: 7" in said.out) == (code == 0)


def test_two_digits_are_told_of_many(run: Command, tmp_path: Path) -> None:
    picture(2, 4).save(tmp_path / "two.png")
    assert "--many" in run("two.png").err


def test_each_page_of_a_tiff_is_read(run: Command, tmp_path: Path) -> None:
    first, *others = (picture(digit) for digit in (2, 4, 7))
    first.save(tmp_path / "scan.tiff", save_all=True, append_images=others)
    found = json.loads(run("scan.tiff", "--json").out)["files"]
    assert [(file["file"], file["digit"]) for file in found] == [
        ("scan.tiff", 2), ("scan.tiff#2", 4), ("scan.tiff#3", 7),
    ]  # fmt: skip
    assert json.loads(run("scan.tiff#3", "--json").out)["files"] == found[2:]
    assert run("scan.tiff#9").code == 1


def test_a_picture_is_turned_upright(run: Command, tmp_path: Path) -> None:
    picture(7).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png")
    upright = json.loads(run("turned.png", "--rotate", "90", "--json").out)["files"][0]
    assert upright["digit"] == 7
    refused(run("turned.png", "--rotate", "45"), "--rotate", code=2)


def test_a_file_of_rows_is_told_what_answers_it(mlp: Command, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("label,pixel0\n1,2\n")
    refused(mlp("predict", "rows.csv"), "a CSV file and no picture", "--rows rows.csv", code=2)
