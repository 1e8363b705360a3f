"""What ``mlp predict`` says of pictures: lines, charts, JSON, and how many labels it got right."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from command import Command, refused
from hard_pictures import page_of_rows, photograph
from photos import PHOTO, picture
from PIL import Image

from mlp.data.task import Task
from mlp.models.metadata import Metadata
from mlp.models.model_file import save
from mlp.nn.network import MLP

# Answers


def test_one_picture_is_read_with_its_chart(predict: Command, photos: Path) -> None:
    path = photos / "digit-7.png"
    result = predict(path)
    assert result.code == 0
    first, *rest = result.out.splitlines()
    assert re.fullmatch(rf"{re.escape(str(path))}: 7, \d+\.\d\d% sure", first)
    bars = [line for line in rest if re.search(r"\d \|.* \d+\.\d\d%$", line)]
    assert len(bars) == 10
    assert max(bars, key=lambda line: line.count("█")).split("|")[0].split()[-1] == "7"
    assert any(set(line) & set("▀▄█") and "|" not in line for line in rest), "the digit itself"
    assert "\x1b" not in result.out


def test_json_has_every_probability(predict: Command, photos: Path) -> None:
    answer = json.loads(predict(photos / "digit-4.png", "--json").out)
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


def test_below_the_confidence_asked_for_it_is_not_sure(predict: Command, photos: Path) -> None:
    unsure = predict(photos / "digit-7.png", "--sure", "1")
    assert re.search(r": 7, not sure \(\d+\.\d\d%\)", unsure.out)
    assert unsure.code == 0
    entry = json.loads(predict(photos / "digit-7.png", "--sure", "1", "--json").out)["files"][0]
    assert (entry["digit"], entry["sure"]) == (7, False)
    entry = json.loads(predict(photos / "digit-7.png", "--sure", "0", "--json").out)["files"][0]
    assert entry["sure"] is True


def test_each_row_is_printed_in_a_line_of_its_own(predict: Command, tmp_path: Path) -> None:
    page = page_of_rows((2, 0, 7, 4), (3, 1), spacing=120)
    Image.fromarray(photograph(page, PHOTO)).save(tmp_path / "rows.png")
    (tmp_path / "labels.csv").write_text("file,label\nrows.png,2074 31\n")
    chosen = (tmp_path / "rows.png", "--many", "--no-chart", "--labels", tmp_path / "labels.csv")
    head, *below, _ = predict(*chosen).out.splitlines()
    assert head.startswith(f"{tmp_path / 'rows.png'}: 2 rows, ")
    assert head.endswith(", right")
    assert below == ["  2074", "  31"]
    entry = json.loads(predict(*chosen, "--json").out)["files"][0]
    assert (entry["digit"], entry["rows"], entry["right"]) == ("207431", ["2074", "31"], True)
    predict(*chosen, "--out", tmp_path / "answers.csv")
    assert ",2074 31," in (tmp_path / "answers.csv").read_text()


# Labels


def test_a_labelled_folder_is_scored(predict: Command, photos: Path) -> None:
    result = predict(photos, "--labels", photos / "labels.csv", "--json")
    assert result.code == 1, "the blank page is not read"
    answer = json.loads(result.out)
    assert (answer["correct"], answer["total"]) == (3, 5)
    entries = {Path(entry["file"]).name: entry for entry in answer["files"]}
    assert (entries["digit-3.png"]["label"], entries["digit-3.png"]["right"]) == (8, False)
    assert (entries["digit-4.png"]["label"], entries["digit-4.png"]["right"]) == (4, True)
    assert entries["empty.png"]["right"] is False
    assert "problem" in entries["empty.png"]

    told = predict(photos, "--labels", photos / "labels.csv").out
    assert told.splitlines()[-1] == "3 of 5 right (60.00%), 1 not read"
    assert "wrong: it is 8" in told


def test_labels_go_by_the_file_wherever_they_are(
    predict: Command, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "l.csv").write_text("\ufefffile , label\r\ndigit-4.png,4\r\n\r\n", "utf-8")
    result = predict(photos / "digit-4.png", photos / "digit-7.png", "--labels", tmp_path / "l.csv")
    assert result.out.splitlines()[-1] == "1 of 1 right (100.00%)"


def test_a_labelled_picture_that_is_missing_counts_as_wrong(
    predict: Command, tmp_path: Path
) -> None:
    picture(1).save(tmp_path / "1.png")
    (tmp_path / "labels.csv").write_text("file,label\n1.png,1\n2.png,2\n")
    result = predict(tmp_path, "--labels", tmp_path / "labels.csv", "--json")
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
    predict: Command, photos: Path, tmp_path: Path, content: str | None, told: str
) -> None:
    labels = tmp_path / "labels.csv"
    if content is not None:
        labels.write_text(content)
    result = predict(photos / "digit-2.png", "--labels", labels)
    assert result.code in (1, 2)
    assert result.out == ""
    assert told in result.err


# Models


def test_yes_or_no_is_answered_and_scored(predict: Command, photos: Path, tmp_path: Path) -> None:
    """A network that says yes to whatever it sees; the labels may be digits or words."""
    model = MLP([784, 1], init="zeros", bias_init="zeros")
    model.parameters[-1] = 4.0
    model.metadata = Metadata(task=Task("binary", ("4 or 3",), (4, 3)))
    save(model, tmp_path / "even.safetensors")
    (tmp_path / "l.csv").write_text("file,label\ndigit-4.png,4\ndigit-3.png,yes\ndigit-7.png,7\n")
    pictures = [photos / f"digit-{digit}.png" for digit in (4, 3, 7)]
    result = predict(*pictures, "--labels", tmp_path / "l.csv", model=tmp_path / "even.safetensors")
    assert re.findall(r": (yes|no), (\d+)", result.out) == [("yes", "98")] * 3
    assert result.out.splitlines()[-1].startswith("2 of 3 right")


def test_several_questions_are_answered_together(
    predict: Command, photos: Path, tmp_path: Path
) -> None:
    model = MLP([784, 3], init="zeros", bias_init="zeros")
    model.parameters[-3:] = [4.0, -1.0, 2.0]
    model.metadata = Metadata(task=Task("multilabel", ("a", "b", "c")))
    save(model, tmp_path / "m.safetensors")
    result = predict(photos / "digit-4.png", "--no-chart", model=tmp_path / "m.safetensors")
    assert ": a and c, 73.11% sure" in result.out


def test_pictures_as_lines_and_as_a_table(predict: Command, photos: Path) -> None:
    whole = json.loads(predict(photos, "--json").out)["files"]
    said = predict(photos, "--jsonl")
    assert [json.loads(line) for line in said.out.splitlines()] == whole
    assert said.code == 1
    predict(photos, "--out", "answers.csv")
    head, *rows = csv.reader(Path("answers.csv").read_text().splitlines())
    assert head == ["file", "label", "probability", "problem"]
    assert [row[0] for row in rows] == [entry["file"] for entry in whole]
    assert [row[1] for row in rows] == [str(entry.get("digit", "")) for entry in whole]
    assert [row[3] for row in rows] == [entry.get("problem", "") for entry in whole]
    refused(predict(photos, "--out", "answers.csv"), "--force", code=2)
