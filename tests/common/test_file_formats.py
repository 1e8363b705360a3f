"""Formats by their registry: how one is chosen, and that another's file can add one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from source import ROOT

from mlp.common.errors import UsageError
from mlp.common.file_formats import FileFormat, Formats
from mlp.data.formats.registry import FORMATS as DATA_FORMATS
from mlp.models.formats.registry import FORMATS as MODEL_FORMATS

FORMATS: Formats[FileFormat] = Formats("format of tests")


class Anything(FileFormat):
    def matches(self, path: Path) -> bool:
        return True


@FORMATS.register("text")
class Text(Anything):
    title, endings, needs_ending = "a text", (".txt", ".text"), True


@FORMATS.register("text-folder")
class TextFolder(Anything):
    title = "a folder of texts"


@FORMATS.register("log")
class Log(Anything):
    title, endings = "a log", (".log",)


@FORMATS.register("log-short")
class ShortLog(Anything):
    title, endings = "a log", (".log",)


@FORMATS.register("tree")
class Tree(Anything):
    title, endings = "a tree", ("",)


@pytest.mark.parametrize(
    ("name", "to", "expected"),
    [
        ("a.txt", None, Text),
        ("a.TEXT", None, Text),
        ("a.txt", "text", Text),
        ("a", "text", TextFolder),
        ("a.d", "text", TextFolder),
        ("a.log", None, Log),
        ("a.log", "log-short", ShortLog),
        ("a", "log", Log),
        ("a.old", "log", Log),
        ("a", None, Tree),
        ("a.d", "tree", Tree),
    ],
)
def test_the_name_or_the_ending_decides(name: str, to: str | None, expected: type) -> None:
    assert type(FORMATS.choose(Path(name), to)) is expected


@pytest.mark.parametrize(
    ("name", "to", "sentence"),
    [
        (
            "a.d",
            None,
            "a.d does not name a format of tests: choose one with --to text|log|log-short|tree",
        ),
        ("a.d", None, "or end the name in .txt, .text or .log, or in nothing for a tree"),
        ("a.txt", "book", "book does not name a format of tests"),
        ("a.log", "text", "a.log does not suit the format text: change its ending"),
        ("a.txt", "log", "a.txt does not suit the format log"),
        ("a.txt", "tree", "a.txt does not suit the format tree"),
        ("a.txt", "text-folder", "does not name a format"),
    ],
)
def test_what_tells_no_format_is_refused(name: str, to: str | None, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        FORMATS.choose(Path(name), to)
    assert sentence in str(caught.value)


def test_what_is_there_is_told_apart_by_its_kind(tmp_path: Path) -> None:
    assert [type(format) for format in FORMATS.matching(tmp_path)] == [TextFolder, Tree]
    (tmp_path / "a").touch()
    assert [type(format) for format in FORMATS.matching(tmp_path / "a")] == [Text, Log, ShortLog]


def test_each_is_named_once() -> None:
    assert FORMATS.names == ["text", "log", "log-short", "tree"]
    assert FORMATS.titles == "a text, a folder of texts, a log or a tree"
    assert Text().files(Path("a.txt")) == [Path("a.txt")]


@pytest.mark.parametrize("formats", [DATA_FORMATS, MODEL_FORMATS], ids=["data", "models"])
def test_every_format_lies_in_a_file_of_its_own_package(formats: Any) -> None:
    package = type(formats.all()[0]).__module__.rpartition(".")[0]
    for format in formats.all():
        assert format.title
        assert type(format).__module__.rpartition(".")[0] == package


OWN = """
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np

from mlp.data.raw import RawSplit
from mlp.data.formats.registry import FORMATS as DATA, ONE, Format as DataFormat
from mlp.models.formats.parameters import Parameters, parameters_of
from mlp.models.formats.registry import FORMATS as MODELS, Format as ModelFormat


@DATA.register("lines")
class Lines(DataFormat):
    title = "a file of lines"
    endings = (".lines",)
    holds = (ONE,)

    def matches(self, path):
        return path.suffix == ".lines"

    def read(self, path, request):
        told = json.loads(path.read_text())
        arrays = (np.array(told[name], np.uint8) for name in ("images", "labels"))
        return {"all": RawSplit(*arrays)}

    def write(self, splits, path, progress):
        split = splits["all"]
        told = {"images": split.images.tolist(), "labels": split.labels.tolist()}
        path.write_text(json.dumps(told))


@MODELS.register("nested")
class Nested(ModelFormat):
    title = "a file of nested lists"
    endings = (".nested",)

    def matches(self, path):
        return path.read_bytes()[:1] == b"["

    def read(self, path):
        layers = json.loads(path.read_text())
        return Parameters([np.array(W) for W, _ in layers], [np.array(b) for _, b in layers])

    def write(self, model, path):
        found = parameters_of(model)
        pairs = zip(found.weights, found.biases, strict=True)
        path.write_text(json.dumps([[W.tolist(), b.tolist()] for W, b in pairs]))


from mlp.cli import main

ran = []
for words in json.loads(sys.argv[1]):
    sys.argv = ["mlp", *words]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            main()
        except SystemExit as end:
            ran.append([end.code or 0, out.getvalue(), err.getvalue()])
print(json.dumps(ran))
"""


def test_a_file_of_ones_own_adds_a_format(tmp_path: Path) -> None:
    """Without a line in the project: read, written, in the help and in the errors."""
    commands = (
        "data convert --help",
        "data --help",
        "data convert d.csv d.lines",
        "data convert d.lines again.csv",
        "data info d.lines --json",
        "data convert d.csv d.unknown",
        "convert --help",
        "convert w w.nested",
        "convert w.nested w2",
        "convert w w.unknown",
    )
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "d.csv").write_text("label,1x1,1x2\n3,0,255\n7,9,8\n")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "w1.csv").write_text("w10,w11\n1.5,2.0\n")
    (tmp_path / "w" / "b1.csv").write_text("b10\n3.0\n")
    done = subprocess.run(
        [sys.executable, "own.py", json.dumps([command.split() for command in commands])],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=True,
    )
    ran = dict(zip(commands, json.loads(done.stdout), strict=True))
    failed = [command for command, (code, *_) in ran.items() if code]
    assert failed == ["data convert d.csv d.unknown", "convert w w.unknown"]
    out = {command: told for command, (_, told, _) in ran.items()}
    assert "images, lines" in out["data convert --help"].replace("npz, ", "")
    assert "a file of lines" in re.sub(r"[│\s]+", " ", out["data --help"])
    assert (tmp_path / "again.csv").read_text() == (tmp_path / "d.csv").read_text()
    found = json.loads(out["data info d.lines --json"])
    assert (found["form"], found["splits"]["all"]["images"]) == ("lines", 2)
    assert ".lines" in ran[failed[0]][2]
    assert "a file of nested lists" in out["convert --help"]
    assert json.loads((tmp_path / "w.nested").read_text()) == [[[[1.5], [2.0]], [3.0]]]
    assert (tmp_path / "w2" / "w1.csv").read_text() == (tmp_path / "w" / "w1.csv").read_text()
    assert "nested" in ran[failed[1]][2]
