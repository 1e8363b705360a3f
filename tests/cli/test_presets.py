"""``mlp presets`` and ``mlp reproduce``: the published recipes, and what is said of ours."""

from __future__ import annotations

import dataclasses
import json
import re
import sys

import pytest
from command import Command, refused

from mlp.cli.presets import reproduce
from mlp.training.architecture import Architecture
from mlp.training.presets.preset import Claim, Preset, preset_names
from mlp.training.recipe import Recipe

SMALL = ("--dataset", "synthetic:60+20", "--device", "cpu", "--seeds", "1")


@pytest.mark.parametrize("width", ["40", "80"])
def test_the_names_of_presets_are_never_cut(
    mlp: Command, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    out = mlp("presets").out
    for name in preset_names():
        assert re.search(rf"^ {name} ", out, re.MULTILINE)


def test_json_lists_every_preset(mlp: Command) -> None:
    listed = json.loads(mlp("presets", "--json").out)
    assert [preset["name"] for preset in listed] == preset_names()
    assert all(preset["recipe"]["epochs"] > 0 for preset in listed)


# Reproducing


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """One preset, with a claim that any training bears out and one that none does."""

    def claim(what: str, figures: tuple[float, ...], within: float) -> Claim:
        epochs = tuple(range(1, len(figures) + 1))
        return Claim(
            what=what, measure="test_accuracy", epochs=epochs, figures=figures, within=within
        )

    preset = Preset(
        name="toy",
        description="a tiny network",
        architecture=Architecture(hidden=(4,)),
        recipe=Recipe(epochs=2, batch_size=30),
        claims=(claim("easy", (0.5, 0.5), 1.0), claim("hard", (2.0,), 0.1)),
        explanation="It is small.",
    )
    module = sys.modules[reproduce.__module__]
    monkeypatch.setattr(module, "load_preset", lambda name: preset)
    monkeypatch.setattr(module, "preset_names", lambda: ["toy"])


@pytest.mark.usefixtures("toy")
def test_a_claim_that_does_not_hold_is_the_exit_code(mlp: Command) -> None:
    result = mlp("reproduce", *SMALL)
    assert result.code == 1
    easy, hard = (line for line in result.out.splitlines() if line.startswith(" toy"))
    assert easy.split()[:3] == ["toy", "easy", "50.00"]
    assert easy.rstrip().endswith("reproduced")
    assert "not reproduced" in hard
    assert "toy: It is small." in result.out
    assert "toy: hard: " in result.err


@pytest.mark.usefixtures("toy")
def test_findings_as_markdown_and_json(mlp: Command) -> None:
    heading, line, *rows = mlp("reproduce", "toy", *SMALL, "--markdown").out.splitlines()[:4]
    assert heading.startswith("| preset | figure | published |")
    assert set(line) <= set("|- ")
    assert [row.split(" | ")[1] for row in rows] == ["easy", "hard"]
    found = json.loads(mlp("reproduce", *SMALL, "--json").out)
    assert [finding["reproduced"] for finding in found] == [True, False]
    refused(mlp("reproduce", *SMALL, "--json", "--markdown"), "exclude each other", code=2)


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("done", [0, 1])
def test_ctrl_c_prints_what_is_done(
    mlp: Command, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    module = sys.modules[reproduce.__module__]
    toy, run_seeds, runs = module.load_preset("toy"), module.run_seeds, []

    def interrupted(*arguments: object) -> object:
        if len(runs) == done:
            raise KeyboardInterrupt
        runs.append(arguments)
        return run_seeds(*arguments)

    monkeypatch.setattr(module, "run_seeds", interrupted)
    monkeypatch.setattr(module, "load_preset", lambda name: dataclasses.replace(toy, name=name))
    result = mlp("reproduce", "first", "second", *SMALL)
    assert result.code == 130
    assert ("first" in result.out) == (done == 1)
    assert "second" not in result.out
    assert ("interrupted: not done are second" if done else "interrupted") in result.err
