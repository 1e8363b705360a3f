"""What a sentence of a command advises can be done: its options are those of that command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from command import Command, refused
from source import ROOT
from typer.main import get_command

from mlp.cli import app

ROWS = [(i + 0.5, -i, ("cat", "dog")[i % 2], 3.0 * i) for i in range(40)]
NAMED = r"(?<![\w-])--[a-z][a-z-]*[a-z](?![\w-])"


OF_OTHERS = {"--force-reinstall", "--mpi"}
"""Options of pip and srun."""


def write(path: Path, names: str, rows: list[str]) -> Path:
    path.write_text("\n".join([names, *rows]) + "\n")
    return path


@pytest.fixture
def models(mlp: Command, tmp_path: Path) -> dict[str, Path]:
    kinds = write(tmp_path / "kinds.csv", "a,b,kind", [f"{a},{b},{k}" for a, b, k, _ in ROWS])
    prices = write(tmp_path / "price.csv", "a,b,price", [f"{a},{b},{p}" for a, b, _, p in ROWS])
    fast = ("--epochs", "1", "--hidden", "4", "--device", "cpu")
    for place, more in ((kinds, ()), (prices, ("--label", "price", "--task", "regression"))):
        out = ("--out", place.with_suffix(".safetensors"))
        assert mlp("train", "--dataset", place, *more, *out, *fast).code == 0
    return {name: tmp_path / f"{name}.safetensors" for name in ("kinds", "price")}


def unknown(mlp: Command, command: str, sentence: str) -> set[str]:
    """Return the options that a sentence names and neither its command nor `mlp train` has."""
    mine, of_train = (set(re.findall(NAMED, mlp(c, "--help").out)) for c in (command, "train"))
    advised = set(re.findall(NAMED, sentence)) - mine
    by_training = set(re.findall(rf"train with ({NAMED})", sentence)) & of_train
    return advised - by_training


@pytest.mark.parametrize(
    ("model", "names", "row", "words"),
    [
        ("kinds", "a,b,kind", "1,,cat", "has no value: leave the row out, fill it in, or train"),
        ("kinds", "a,b,class", "1,2,zebra", "the label zebra, which is none of cat, dog: correct"),
        ("kinds", "a,b", "1,2", "call their column label, or add one"),
        ("kinds", "a,b,kind", "1,2,zebra", "call their column label, or add one"),
        ("price", "b,a", "1,2", "add the column price"),
    ],
)
def test_eval_advises_what_it_has(
    model: str,
    names: str,
    row: str,
    words: str,
    mlp: Command,
    models: dict[str, Path],
    tmp_path: Path,
) -> None:
    sound = [f"{i},{i + 1}" + ",cat" * (names.count(",") == 2) for i in range(20)]
    path = write(tmp_path / "new.csv", names, [*sound, row])
    result = mlp("eval", models[model], "--dataset", path, "--device", "cpu")
    refused(result, words)
    assert unknown(mlp, "eval", result.err) == set()


def test_predict_advises_what_it_has(mlp: Command, models: dict[str, Path], tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv", "a,b", ["1,2", "1,"])
    result = mlp("predict", "--model", models["kinds"], "--rows", path, "--device", "cpu")
    assert result.code == 1
    assert "fill it in, or train with --missing mean" in result.err
    assert unknown(mlp, "predict", result.err) == set()


def options_below(command: Any) -> set[str]:
    own = {name for given in command.params for name in (*given.opts, *given.secondary_opts)}
    inner = getattr(command, "commands", {}).values()
    return own.union(*(options_below(below) for below in inner))


def test_every_option_that_the_source_names_is_one_of_some_command() -> None:
    known = {*options_below(get_command(app)), "--help", *OF_OTHERS}
    named = {
        (name, path.name)
        for path in (ROOT / "mlp").rglob("*.py")
        for line in path.read_text().splitlines()
        if '"' in line
        for name in re.findall(NAMED, line)
        if name not in known
    }
    assert named == set()
