"""The best trial as a command that trains by it again."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from mlp.cli.search_report import command_of, figure, report
from mlp.common.quiet import quiet
from mlp.data.reading import Reading
from mlp.data.task import Kind
from mlp.training.architecture import Architecture
from mlp.training.presets.preset import load_preset
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import DataSettings, DeviceSettings, Settings
from mlp.training.search.folder import SearchFolder, SearchPlan
from mlp.training.search.halving import TrialResult
from mlp.training.search.search import Found

FILE = Path("s 1/trial-000.toml")


@pytest.mark.parametrize(
    ("settings", "tried", "words"),
    [
        (Settings(), set(), "--epochs 5 --lr 0.15"),
        (Settings(network=Architecture(hidden=())), {"hidden"}, "--hidden none"),
        (Settings(network=Architecture(bias=False)), set(), "--no-bias"),
        (Settings(training=Recipe(optimizer="adam")), {"optimizer"}, "--optimizer adam"),
        (Settings(training=Recipe(nesterov=True)), {"nesterov"}, "--nesterov"),
        (Settings(training=Recipe(nesterov=False)), {"nesterov"}, "--no-nesterov"),
        (Settings(data=DataSettings(folder="/a b")), set(), "--data '/a b'"),
        (Settings(data=DataSettings(task="binary", positive=(0, 2))), set(), "--positive 0,2"),
        (Settings(device=DeviceSettings(graph=False)), set(), "--no-graph"),
        (Settings(reading=Reading(label="y")), set(), "--label y"),
        (Settings(start="/m.safetensors"), {"lr"}, "--start /m.safetensors"),
    ],
)
def test_settings_are_a_command(settings: Settings, tried: set[str], words: str) -> None:
    command = command_of(settings, tried, FILE)
    assert command.startswith("mlp train")
    assert words in command
    assert "None" not in command
    assert "validation" not in command


def test_a_preset_is_named_and_what_differs_from_it() -> None:
    settings = Settings(preset="diary-16", training=replace(Recipe(), lr=0.5))
    words = shlex.split(command_of(settings, {"lr"}, FILE))
    assert words[2:4] == ["--preset", "diary-16"]
    assert words[words.index("--lr") + 1] == "0.5"


def test_what_a_preset_has_is_taken_away_by_the_file_of_the_settings() -> None:
    preset = load_preset("hinton")
    assert preset.recipe.max_norm is not None
    recipe = replace(preset.recipe, max_norm=None)
    settings = Settings(preset="hinton", network=preset.architecture, training=recipe)
    assert command_of(settings, {"max_norm"}, FILE) == "mlp train --config 's 1/trial-000.toml'"
    assert "--preset" in command_of(replace(settings, training=preset.recipe), {"lr"}, FILE)
    plain = command_of(Settings(), {"max_norm"}, FILE)
    assert "--config" not in plain  # as none is the default, too


def test_the_network_of_a_model_to_start_from_is_not_said() -> None:
    settings = Settings(start="/m", network=Architecture(hidden=(5,), init="zeros"))
    assert "--hidden" not in command_of(settings, {"lr"}, FILE)
    assert "--init zeros" in command_of(settings, {"init"}, FILE)


@pytest.mark.parametrize(
    ("result", "kind", "text"),
    [
        (TrialResult(0, 1, 0.5, 1.0, 1.0), "multiclass", "50.00%"),
        (TrialResult(0, 1, -12.345678, 1.0, 1.0), "regression", "-12.3457"),
        (TrialResult(0, 1, None, None, 1.0, "it diverged"), "multiclass", "diverged"),
        (TrialResult(0, 1, 0.5, None, 1.0), "multiclass", "diverged"),
        (TrialResult(0, 1, None, None, 1.0, refused="no"), "multiclass", "refused"),
    ],
)
def test_what_was_measured(result: TrialResult, kind: Kind, text: str) -> None:
    assert figure(result, kind) == text


def test_names_of_a_damaged_plan_steer_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = SearchPlan([{"l\x1b[2Jr": "\x1b]0;x\x07"}, {"l\x1b[2Jr": 2}], [1], 2, "loss", 0.1)
    folder = SearchFolder(tmp_path / "s")
    with folder.begun(plan, [Settings(), Settings()], quiet):
        pass
    found = Found(
        [TrialResult(0, 1, 0.5, 1.0, 2.0), TrialResult(1, 1, None, None, 0.0, "no")], False
    )
    report(folder, plan, found, as_json=False)
    told = capsys.readouterr().out
    assert r"l\x1b[2Jr" in told
    assert all(character.isprintable() or character == "\n" for character in told)
