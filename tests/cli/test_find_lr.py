"""``mlp find-lr``: a curve, a suggestion, and none where there can be none."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields
from pathlib import Path

import pytest
from command import Command, refused
from PIL import Image

from mlp.cli.expand import expand
from mlp.cli.find_lr import UNUSED, find_lr
from mlp.training.recipe import Recipe

SMALL = ("--dataset", "synthetic:1000+50", "--device", "cpu", "--hidden", "16")


def test_it_draws_the_curve_and_suggests_a_rate(mlp: Command, tmp_path: Path) -> None:
    result = mlp("find-lr", *SMALL, "--save", "curve.png")
    assert result.code == 0, result.err
    *curve, last = result.out.splitlines()
    assert any("▲" in line for line in curve)
    lr = float(last.split("--lr ")[1].split(",")[0])
    assert 0.01 < lr < 1.0
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.width > 300
    learnt = mlp("train", *SMALL, "--lr", lr, "--epochs", 4, "--json")
    assert json.loads(learnt.out)["train_accuracy"] > 0.5


def test_json_has_the_curve(mlp: Command) -> None:
    told = json.loads(mlp("find-lr", *SMALL, "--optimizer", "adam", "--steps", 60, "--json").out)
    assert 1e-4 < told["suggestion"] < 0.1
    assert told["reason"] is None
    assert (told["steps"], told["optimizer"]) == (60, "adam")
    assert len(told["rates"]) == len(told["losses"]) == 60
    assert len(told["smoothed"]) <= 60


def test_a_seed_gives_one_result(mlp: Command) -> None:
    first, again = (mlp("find-lr", *SMALL, "--seed", 5, "--json").out for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--freeze", "1,2"), 1, "no slope"),
        (("--rates", "1e-7..1e-6"), 1, "no slope"),
        (("--rates", "1e-4..1e-2"), 1, "still falls"),
        (("--rates", "100..1e6"), 3, "diverges at once"),
        (("--init", "normal(1e30)"), 3, "diverges at once"),
    ],
)
def test_it_says_why_it_suggests_nothing(
    mlp: Command, arguments: tuple[str, ...], code: int, words: str
) -> None:
    result = mlp("find-lr", *SMALL, *arguments)
    assert result.code == code, result.err
    assert words in result.err.splitlines()[-1]
    assert "suggested" not in result.out
    told = mlp("find-lr", *SMALL, *arguments, "--json")
    assert told.code == code
    assert json.loads(told.out)["suggestion"] is None
    assert words in json.loads(told.out)["reason"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rates", "1"), "--rates takes a range such as 0.01..1"),
        (("--rates", "1..0.1"), "--rates takes a range such as 0.01..1"),
        (("--rates", "0..1"), "must rise from above 0"),
        (("--save", "curve.jpg"), ".png"),
        (("--freeze", "9"), "2 linear layers to freeze"),
    ],
)
def test_wrong_usage(mlp: Command, arguments: tuple[str, ...], words: str) -> None:
    refused(mlp("find-lr", *SMALL, *arguments), words, code=2)


def test_it_takes_all_of_a_recipe_but_what_is_not_used() -> None:
    options = set(inspect.signature(expand(find_lr)).parameters)
    names = {field.name for field in fields(Recipe)}
    assert set(UNUSED) < names
    assert options & names == names - set(UNUSED)


def test_a_preset_and_a_task_are_taken(mlp: Command) -> None:
    data = ("--dataset", "synthetic:1000+50", "--device", "cpu")
    task = ("--task", "binary", "--positive", "0,2,4,6,8", "--hidden", "8")
    told = json.loads(mlp("find-lr", *data, *task, "--json").out)
    assert told["suggestion"] is not None
    told = json.loads(mlp("find-lr", *data, "--preset", "diary-first-run", "--json").out)
    assert told["suggestion"] is not None
