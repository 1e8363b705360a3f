"""Names of a stranger's file stay names: in code, pages, notebooks, tables and on a terminal."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Command, in_this_process
from fuzz_models import SIDE, check_header, elements_of
from hard_pictures import draw_digit, place
from shown import Shown

from mlp.cli.answer_files import CsvTable
from mlp.data.inputs import Columns
from mlp.data.task import Task
from mlp.handwriting.recognise import recognise_digit
from mlp.models.formats.convert import read_model, write_model
from mlp.models.metadata import Metadata, task_of
from mlp.models.model_file import save
from mlp.nn.network import MLP
from mlp.web.page import exported_page

HOSTILE = (
    "</script><script>alert(1)</script>",
    '*/ system("rm -rf /"); /*',
    '"}; int main(void) { abort(); } //',
    "a\\",
    "??/\n",
    "<img src=x onerror=alert(1)>",
    "\x1b[2J\x1b]0;title\x07\x9b31m",
    "\u202egnp.exe\u2028",
    "\ud800",
    "$name ${NAME} {x} %s",
    "=cmd|' /C calc'!A0",
    "[bold red]x[/] [link=file:///]y[/link]",
)


def model(inputs: int) -> MLP:
    """A network whose classes are called so."""
    network = MLP([inputs, len(HOSTILE)], seed=1)
    network.metadata = Metadata(task=Task(names=HOSTILE))
    return network


def columns() -> MLP:
    """One whose columns are called so as well, as far as a file can say so."""
    named = tuple(name.replace("\ud800", "d") for name in HOSTILE)
    network = model(len(named))
    ones = (1.0,) * len(named)
    network.metadata = Metadata(task=Task(names=HOSTILE), inputs=Columns(named, ones, ones))
    return network


@pytest.mark.parametrize("make", [columns, lambda: model(SIDE * SIDE)])
@pytest.mark.parametrize("to", ["c", "c-int8"])
def test_a_header_has_no_other_code(tmp_path: Path, make: Any, to: str) -> None:
    path = tmp_path / 'a;??b\n"c\\ $x.h'
    write_model(make(), path, to)
    check_header(path.read_text("ascii"))


def test_a_page_has_no_other_elements() -> None:
    plain = elements_of(exported_page(MLP([SIDE * SIDE, len(HOSTILE)]), "m"))
    network = model(SIDE * SIDE)
    for name in (*HOSTILE, os.fsdecode(b"\xff</title>")):
        page = exported_page(network, name)
        assert elements_of(page) == plain
        page.encode()


def test_a_notebook_shows_them_as_text() -> None:
    page = place([draw_digit(4, 110)], 180, 190, 30)
    picture = np.repeat((255 * (1 - page)).astype(np.uint8)[..., None], 3, axis=2)
    answer = recognise_digit(model(SIDE * SIDE), picture)
    shown = Shown(answer._repr_html_())
    assert {*shown.tags} <= {"div", "p", "b", "figure", "figcaption", "img", "table", "thead",
                             "tbody", "tr", "th", "td"}  # fmt: skip
    assert "alert" not in Shown(columns()._repr_html_()).tags


@pytest.mark.parametrize("ending", [".onnx", ".json", ".npz", ".safetensors"])
def test_other_formats_keep_them(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"m{ending}"
    write_model(columns(), path)
    if ending != ".onnx":
        assert task_of(read_model(path)).names == Task(names=HOSTILE).names


@pytest.fixture
def mlp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return in_this_process(tmp_path, monkeypatch, capsys)


def rows(path: Path) -> None:
    """Rows for the network of columns, with numbers that are passed on."""
    named = [name.replace("\ud800", "d").replace("\n", " ") for name in HOSTILE]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*named, "key"])
        writer.writerows([[i] * len(named) + [f"{i}\x1b[2J"] for i in range(3)])


def test_commands_print_nothing_that_steers(
    mlp: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(columns(), tmp_path / "m.safetensors")
    rows(tmp_path / "t.csv")
    for arguments in (
        ("data", "info", "t.csv"),
        ("predict", "--rows", "t.csv", "--model", "m.safetensors"),
        ("show", "weights", "m.safetensors"),
        ("convert", "m.safetensors", "m.h"),
        ("eval", "m.safetensors", "--dataset", "t.csv"),
        ("train", "--dataset", "t.csv", "--label", "key", "--epochs", "1"),
    ):
        result = mlp(*arguments)
        told = result.out + result.err
        assert "Traceback" not in told
        assert all(c.isprintable() or c == "\n" for c in told), arguments


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_passed_on_steers_no_terminal_and_is_whole_elsewhere(
    mlp: Command, tmp_path: Path
) -> None:
    network = MLP([2, 2], seed=1)
    network.metadata = Metadata(inputs=Columns(("a", "b"), (0.0, 0.0), (1.0, 1.0)))
    save(network, tmp_path / "m.safetensors")
    (tmp_path / "t.csv").write_text('key,a,b\n"\x1b[2Jx",1,2\n"y, z",3,4\n')
    asked = ("predict", "--rows", "t.csv", "--model", "m.safetensors", "--columns", "key,label")
    assert mlp(*asked).out.splitlines()[1].startswith("\x1b[2Jx,")  # as other programs read it
    assert json.loads(mlp(*asked, "--jsonl").out.splitlines()[0])["key"] == "\x1b[2Jx"
    CsvTable(shown := _Terminal(), ["k\x07"]).write([["\x1b[2Jx", "y, z", "\U000e0001" * 40]])
    escaped = r"\U000e0001" * 40
    assert shown.getvalue() == f'k\\x07\n\\x1b[2Jx\n"y, z"\n{escaped}\n'


def test_a_plot_takes_none_for_a_formula() -> None:
    pytest.importorskip("matplotlib")
    from mlp.view.plots import (
        plot_comparison,
        plot_confusion,
        plot_curves,
        plot_digits,
        plot_robustness,
    )

    names = ["$\\frac{$", "\\$x$", "${}$", "a_$b^$"]
    curves = {"epoch": [1.0, 2.0], "loss": [0.5, 0.25], "test accuracy": [0.5, 0.75]}
    for figure in (
        plot_confusion(np.eye(4, dtype=np.int64), names, names[0]),
        plot_digits(np.zeros((4, 8, 8), np.uint8), names),
        plot_curves(curves, names[0]),
        plot_comparison(dict.fromkeys(names, curves)),
        plot_robustness({"noise": {0.0: 0.9, 0.1: 0.5}}, "x $\\frac$ y"),
    ):
        figure.savefig(io.BytesIO())
