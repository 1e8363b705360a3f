"""What goes to stderr beside the result, with a terminal and without one."""

from __future__ import annotations

import ast
import io
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from command import TINY, Command, start
from rich.console import Console
from rich.table import Table
from source import ROOT

from backends import get_backend
from mlp.cli import console
from mlp.training.history import Epoch


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What stderr receives where it is a terminal."""
    screen = io.StringIO()
    stderr = Console(file=screen, force_terminal=True, width=100, highlight=False)
    monkeypatch.setattr(console, "stderr", stderr)
    return screen


def test_no_bar_and_no_empty_line_where_there_is_no_terminal(mlp: Command) -> None:
    assert "" not in mlp("train", *TINY).err.splitlines()


def test_a_bar_moves_on_a_terminal_and_each_epoch_leaves_a_line(terminal: io.StringIO) -> None:
    with console.TrainingBar(get_backend("cpu"), images=100, epochs=2) as bar:
        bar.on_step(60, np.array(0.5))
        bar.on_step(80, np.array(0.25))  # too soon to be shown
        bar.on_epoch(
            Epoch(1, loss=0.4, train_accuracy=0.9, test_accuracy=0.8, validation_accuracy=0.7,
                  seconds=1.5)
        )  # fmt: skip
    shown = terminal.getvalue()
    assert "loss 0.5000" in shown
    assert "loss 0.2500" not in shown
    assert "epoch 1/2  loss 0.4000  train  90.00%  validation  70.00%  test  80.00%" in shown


def test_a_bar_is_drawn_for_each_download_and_a_note_left(terminal: io.StringIO) -> None:
    with console.download_bar() as on_progress:
        on_progress("train-images", 10, 100)
        on_progress("train-images", 100, 100)
        on_progress("train-labels", 5, None)
    assert terminal.getvalue().count("downloading train-images") == 1
    assert terminal.getvalue().count("downloading train-labels") == 1


def test_a_closed_pipe_does_not_end_a_training(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    training = start("train", *TINY, cwd=tmp_path, stdout=subprocess.PIPE, stderr=writing)
    os.close(writing)
    assert os.read(reading, 1)
    os.close(reading)
    out, _ = training.communicate(timeout=120)
    assert training.returncode == 0
    assert b"test accuracy" in out
    assert (tmp_path / "digits.safetensors").exists()


def test_a_table_is_printed_as_wide_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    table = Table(box=None)
    for k in range(30):
        table.add_column(f"column {k}")
    table.add_row(*("1234567890" for _ in range(30)))
    console.print_table(table)
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split()[-1] == "29"
    assert row.split() == ["1234567890"] * 30


def test_lines_are_made_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    for tell in (console.say, console.note, console.warn):
        tell("a\x1b[2Jb\nc [red]" + "x" * 20_000)
        said = "".join(capsys.readouterr())
        assert r"a\x1b[2Jb\nc [red]x" in said
        assert len(said) < 10_100


def test_results_are_printed_where_they_are_made_harmless() -> None:
    """What the commands print is JSON, a text of their own, or goes through the console."""
    bare = []
    for path in sorted((ROOT / "mlp" / "cli").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "print" and node.args):
                continue
            text = ast.unparse(node.args[0])
            if not text.startswith(("json.dumps(", "'", "printable(")):
                bare.append(f"{path.relative_to(ROOT)}: print({text})")
    assert [line for line in bare if not line.startswith(OWN_TEXTS)] == []


OWN_TEXTS = tuple(
    f"mlp/cli/{name}.py" for name in ("__init__", "bench_report", "doctor", "presets")
)
"""They print what this program computed or brings, and errors, which are harmless themselves."""
