"""``recipe.toml`` holds every choice of a run, and is refused in a sentence where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from other_settings import OTHER, REST, WITHOUT_ANOTHER, choices

from mlp.common.errors import UsageError
from mlp.training.presets.preset import load_preset, preset_names
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import (
    Settings,
    differences,
    from_toml,
    read_settings,
    to_toml,
    write_settings,
)


@pytest.mark.parametrize("settings", [Settings(), OTHER, REST])
def test_every_choice_is_read_back_as_it_was(settings: Settings, tmp_path: Path) -> None:
    write_settings(settings, tmp_path / "recipe.toml")
    assert read_settings(tmp_path / "recipe.toml") == settings


def test_the_other_settings_differ_in_every_choice_but_those_without_another() -> None:
    differing = {name for one in (OTHER, REST) for name, _, _ in differences(Settings(), one)}
    assert set(differences(OTHER, OTHER)) == set()
    assert {name for name, _ in choices(OTHER)} - differing == WITHOUT_ANOTHER


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_read_back_as_they_were(name: str) -> None:
    preset = load_preset(name)
    settings = Settings(network=preset.architecture, training=preset.recipe, preset=name)
    assert from_toml(to_toml(settings), "recipe.toml") == settings


def test_what_is_left_out_has_its_default() -> None:
    assert from_toml("[training]\nlr = 1\n", "x") == Settings(training=Recipe(lr=1.0))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[training", ["not TOML"]),
        ("lr = 1", ["no lr", "training"]),
        ("training = 1", ["[training]"]),
        ("[training]\nlrr = 1", ["no training.lrr", "weight_decay"]),
        ("[training]\nlr = 'fast'", ["training.lr", "a number", '"fast"']),
        ("[training]\nlr = -1.0", ["learning rate"]),
        ("[training]\nepochs = 2.5", ["training.epochs", "whole number"]),
        ("[training]\nepochs = true", ["training.epochs", "whole number"]),
        ("[training]\nbatch_size = 'all'", ["training.batch_size", '"full"']),
        ("[training]\nshuffle = 1", ["training.shuffle", "true or false"]),
        ("[network]\nhidden = ['a']", ["network.hidden", "[256, 128]"]),
        ("[data]\ntask = 'guess'", ["data.task", "multilabel"]),
        ("preset = 'mine'", ["no preset 'mine'"]),
        ("snapshots = 1", ["2 snapshots or more, not 1"]),
        ("snapshots = 2.5", ["snapshots", "whole number"]),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as refusal:
        from_toml(text, "mine.toml")
    for word in ["mine.toml", *words]:
        assert word in str(refusal.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_settings(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b"preset = '\xe9'")
    with pytest.raises(UsageError, match="no UTF-8"):
        read_settings(tmp_path / "latin.toml")


def test_a_path_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        to_toml(Settings(start="\udcff"))


@pytest.mark.parametrize(
    "text",
    [
        f"[training]\nlr = {'9' * 5_000}",
        f"[training]\nlr = {'9' * 400}",
        f"[training]\nlr = 0x{'f' * 5_000}",
        f"[training]\nseed = 0x{'f' * 300}",
        f"[network]\nhidden = [0x{'f' * 5_000}]",
        f"[network]\nhidden = [[0x{'f' * 5_000}]]",
        f"lr = {'[' * 100_000}",
        f"training.lr.{'.'.join('a' * 20_000)} = 1",
        f"[training]\nlr = [{{{'.'.join('a' * 20_000)} = 1}}]",
    ],
)
def test_numbers_and_tables_without_an_end_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^recipe\.toml"):
        from_toml(text, "recipe.toml")
