"""mlp predict as its users meet it: what it says of pictures, labels, folders and broken files."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import DATA, Command, refused
from photos import DIGITS, picture
from PIL import Image

from mlp.cli.predict import predict as command
from mlp.data.task import Task
from mlp.handwriting import extract_digit, extraction
from mlp.models.metadata import Metadata
from mlp.models.model_file import load, save
from mlp.nn.network import MLP


def test_every_form_of_weights_will_do(
    predict: Command, reader: Path, photos: Path, tmp_path: Path
) -> None:
    from mlp.models.formats.convert import write_model

    write_model(load(reader), other := tmp_path / "reader.npz")
    of_both = [predict(photos / "digit-2.png", "--json", model=m).out for m in (reader, other)]
    first, second = (json.loads(out)["files"] for out in of_both)
    assert first == second


def test_a_picture_from_standard_input(predict: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    picture(6).save(content, "JPEG")
    content.seek(0)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    result = predict("-", "--no-chart")
    assert re.fullmatch(r"-: 6, (\d+\.\d\d% sure|not sure \(\d+\.\d\d%\))", result.out.strip())


def test_standard_input_that_never_ends_is_not_read(
    predict: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[command.__module__], "MAX_BYTES", 1 << 20)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(2 << 20))))
    result = predict("-")
    assert (result.code, result.out) == (1, "")
    assert "the picture has more than 1 MB" in result.err


# Steps


def test_steps_are_drawn_and_saved(predict: Command, photos: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "steps.png"
    result = predict(photos / "digit-2.png", "--steps", "--save", sheet)
    for name in ("picture", "ink", "threshold", "strokes", "image"):
        assert re.search(rf"^{name}\b|\s{name}\b", result.out, re.MULTILINE), name
    assert all(len(line) <= 80 for line in result.out.splitlines()[1:])
    with Image.open(sheet) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image)
    assert pixels.shape[1] > pixels.shape[0] > 100
    assert (pixels < 64).mean() > 0.01, "there is ink on the sheet"

    before = sheet.read_bytes()
    refused = predict(photos / "digit-3.png", "--save", sheet)
    assert refused.code == 2
    assert "--force" in refused.err
    assert sheet.read_bytes() == before
    assert predict(photos / "digit-3.png", "--save", sheet, "--force").code == 0
    assert sheet.read_bytes() != before


@pytest.mark.parametrize("name", ["steps.jpg", "none/steps.png"])
def test_a_sheet_that_cannot_be_written_is_refused_first(
    predict: Command, photos: Path, tmp_path: Path, name: str
) -> None:
    result = predict(photos / "digit-2.png", "--save", tmp_path / name)
    assert (result.code, result.out) == (2, "")


# Several digits


def test_a_line_is_read_from_left_to_right(predict: Command, tmp_path: Path) -> None:
    picture(2, 0, 7, 4).save(tmp_path / "line.png")
    entry = json.loads(predict(tmp_path / "line.png", "--many", "--json").out)["files"][0]
    assert entry["digit"] == "2074"
    assert [digit["digit"] for digit in entry["digits"]] == [2, 0, 7, 4]
    lefts = [digit["box"]["left"] for digit in entry["digits"]]
    assert lefts == sorted(lefts)
    charts = predict(tmp_path / "line.png", "--many").out
    assert charts.startswith(f"{tmp_path / 'line.png'}: 2074, ")
    assert [f"digit {n}: {d}," in charts for n, d in enumerate("2074", 1)] == [True] * 4


def test_a_line_keeps_its_leading_zero(predict: Command, tmp_path: Path) -> None:
    picture(0, 7).save(tmp_path / "line.png")
    (tmp_path / "labels.csv").write_text("file,label\nline.png,07\n")
    arguments = (tmp_path / "line.png", "--many", "--labels", tmp_path / "labels.csv", "--json")
    result = json.loads(predict(*arguments).out)
    assert (result["correct"], result["total"]) == (1, 1)
    assert result["files"][0]["digit"] == result["files"][0]["label"] == "07"


def test_several_digits_where_one_is_expected_are_told(predict: Command, tmp_path: Path) -> None:
    picture(2, 7).save(tmp_path / "line.png")
    result = predict(tmp_path / "line.png")
    assert (result.code, result.out) == (1, "")
    assert "there are 2 digits" in result.err


# Several pictures


def test_what_cannot_be_read_stops_nothing(predict: Command, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("seven")
    whole = (photos / "digit-2.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    bad = [
        photos / "empty.png",
        tmp_path / "notes.txt",
        tmp_path / "cut.png",
        tmp_path / "none.png",
    ]
    result = predict(photos / "digit-4.png", *bad, photos / "digit-7.png")
    assert result.code == 1
    assert [line.split(": ")[1][0] for line in result.out.splitlines()] == ["4", "7"]
    problems = result.err.splitlines()[1:]
    assert len(problems) == 4
    for path, sentence in zip(bad, problems, strict=True):
        assert str(path) in sentence
    assert "nothing to read" in problems[0]
    files = json.loads(predict(*bad, "--json").out)["files"]
    assert all(entry["problem"] and "digit" not in entry for entry in files)


def test_folders_and_patterns(predict: Command, photos: Path) -> None:
    def found(*arguments: Any) -> list[str]:
        return [
            Path(e["file"]).name for e in json.loads(predict(*arguments, "--json").out)["files"]
        ]

    everything = [*(f"digit-{digit}.png" for digit in DIGITS), "empty.png"]
    assert found(photos / "digit-[2-4].png") == everything[:3]
    assert found(photos / "digit-7.png", photos) == ["digit-7.png", *everything[:3], "empty.png"]


@pytest.mark.parametrize("name", ["*.jpg", "."])
def test_where_there_is_no_picture(
    predict: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = predict(name)
    assert (result.code, result.out) == (1, "")
    assert name in result.err


# Models


def test_a_model_for_images_of_another_size(predict: Command, photos: Path, tmp_path: Path) -> None:
    save(MLP([64, 10]), tmp_path / "small.safetensors")
    result = predict(photos / "digit-4.png", model=tmp_path / "small.safetensors")
    assert (result.code, result.out) == (1, "")
    assert "28 x 28" in result.err


def test_without_a_model_the_pretrained_one_is_used(
    predict: Command, photos: Path, reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[command.__module__], "pretrained_model", lambda _: load(reader))
    result = predict(photos / "digit-4.png", "--json", model=None)
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
    predict: Command, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = iter([IndexError("index 3 is out of bounds"), MemoryError(), None, None, None])

    def extract(pixels: Any) -> Any:
        fault = next(reads)
        if fault is not None:
            raise fault
        return extract_digit(pixels)

    monkeypatch.setattr(extraction, "extract_digit", extract)
    said = predict(photos, "--json")
    files = json.loads(said.out)["files"]
    assert said.code == 1
    assert "fault of mlp (IndexError: index 3 is out of bounds)" in files[0]["problem"]
    assert "MemoryError" in files[1]["problem"]
    assert [file.get("digit") for file in files[2:4]] == [4, 7]


@pytest.mark.skipif(os.name == "nt", reason="a shell closes no streams there")
def test_a_closed_standard_input_is_told(predict: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    said = predict("-")
    assert said.code == 1
    assert "standard input is closed" in said.err


def test_labels_of_impossible_names_are_refused(predict: Command, tmp_path: Path) -> None:
    picture(4).save(tmp_path / "4.png")
    (tmp_path / "labels.csv").write_bytes(b"file,label\n4\0.png,4\n")
    refused(
        predict(tmp_path / "4.png", "--labels", tmp_path / "labels.csv"), "line 2", "file and its"
    )


def test_a_picture_that_links_to_itself_is_told(predict: Command, tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "labels.csv").write_text("file,label\nloop.png,4\n")
    said = predict(tmp_path / "loop.png", "--labels", tmp_path / "labels.csv")
    assert said.code == 1
    assert "cannot be read" in said.err


def test_a_canvas_is_read_from_its_data_url(
    predict: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO()
    picture(7).save(content, "PNG")
    url = b"data:image/png;base64," + base64.b64encode(content.getvalue())
    for text, code in ((url, 0), (url + b"\n", 0), (b"data:image/png,x", 1)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        said = predict("-", "--no-chart")
        assert said.code == code
        assert ("-: 7" in said.out) == (code == 0)


def test_two_digits_are_told_of_many(predict: Command, tmp_path: Path) -> None:
    picture(2, 4).save(tmp_path / "two.png")
    assert "--many" in predict("two.png").err


def test_each_page_of_a_tiff_is_read(predict: Command, tmp_path: Path) -> None:
    first, *others = (picture(digit) for digit in (2, 4, 7))
    first.save(tmp_path / "scan.tiff", save_all=True, append_images=others)
    found = json.loads(predict("scan.tiff", "--json").out)["files"]
    assert [(file["file"], file["digit"]) for file in found] == [
        ("scan.tiff", 2), ("scan.tiff#2", 4), ("scan.tiff#3", 7),
    ]  # fmt: skip
    assert json.loads(predict("scan.tiff#3", "--json").out)["files"] == found[2:]
    assert predict("scan.tiff#9").code == 1


def test_a_picture_is_turned_upright(predict: Command, tmp_path: Path) -> None:
    picture(7).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png")
    upright = json.loads(predict("turned.png", "--rotate", "90", "--json").out)["files"][0]
    assert upright["digit"] == 7
    refused(predict("turned.png", "--rotate", "45"), "--rotate", code=2)


def test_a_file_of_rows_is_told_what_answers_it(mlp: Command, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("label,pixel0\n1,2\n")
    refused(mlp("predict", "rows.csv"), "a CSV file and no picture", "--rows rows.csv", code=2)
