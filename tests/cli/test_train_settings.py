"""What ``mlp train`` takes, ``recipe.toml`` holds, and the other way round."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from command import Command
from other_settings import OTHER, REST, choices

from mlp.cli.expand import Overrides, expand
from mlp.cli.train import train
from mlp.cli.train_settings import settle
from mlp.data.reading import Reading
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import (
    DataSettings,
    DeviceSettings,
    Settings,
    differences,
    write_settings,
)

OF_THE_CALL = {
    "context", "config", "run", "resume", "checkpoint_every", "tensorboard", "out", "force",
    "as_json", "watch", "seeds", "started",
}  # fmt: skip
"""Options that say where a recipe comes from and where its results go, and not how to train."""

RENAMED = {"folder": "data"}
"""Options by the names of their fields, where these differ."""

TABLES: list[Any] = [Architecture, Recipe, Reading]

GIVEN: dict[tuple[str, str], tuple[Any, Any]] = {
    ("Architecture", "hidden"): ("36,20", (36, 20)),
    ("Recipe", "batch_size"): ("full", "full"),
    ("Recipe", "epochs"): (7, 7),
    ("Recipe", "lr"): (0.5, 0.5),
    ("Recipe", "nesterov"): (True, True),
    ("Recipe", "augment"): ("affine", "affine"),
    ("Recipe", "clip_norm"): (2.5, 2.5),
    ("Reading", "classes"): (26, 26),
    ("Reading", "missing"): ("mean", "mean"),
}
"""What the command hands on for an option, and what the field then is: one of each kind."""


def test_every_option_is_in_the_file_and_everything_in_the_file_an_option() -> None:
    options = set(inspect.signature(expand(train)).parameters)
    held = {
        RENAMED.get(field.name, field.name)
        for table in (*TABLES, DataSettings, DeviceSettings)
        for field in fields(table)
    }
    tables = {"network", "training", "reading", "data", "device"}
    alone = {field.name for field in fields(Settings)} - tables
    assert options - OF_THE_CALL == held | alone
    assert options >= OF_THE_CALL


@pytest.mark.parametrize(("table", "name"), GIVEN)
def test_an_option_sets_the_field_of_its_name_alone(table: str, name: str) -> None:
    kind = next(kind for kind in TABLES if kind.__name__ == table)
    assert is_dataclass(kind)
    given, value = GIVEN[table, name]
    found = Overrides({name: given}).over(kind())
    assert getattr(found, name) == value
    assert {f.name for f in fields(kind) if getattr(found, f.name) != f.default} == {name}


@pytest.fixture
def settled(mlp: Command, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Return what ``mlp train`` would train by, with these options."""
    found: list[Settings] = []

    def keep(*given: Any) -> Settings:
        found.append(settle(*given))
        raise SystemExit  # once it is known what to train

    def run(*options: object) -> Settings:
        mlp("train", *options)
        return found.pop()

    monkeypatch.setattr("mlp.cli.train.settle", keep)
    return run


@pytest.mark.parametrize("settings", [OTHER, REST])
def test_what_a_file_can_say_options_can_say_and_python(
    settings: Settings, settled: Callable[..., Settings], tmp_path: Path
) -> None:
    """Every choice but those that have none but one is said in all three ways."""
    write_settings(settings, tmp_path / "recipe.toml")
    by_file = settled("--config", tmp_path / "recipe.toml")
    by_options = settled(*as_options(settings))
    assert by_file == by_options == settings
    kinds = {"network": Architecture, "training": Recipe, "reading": Reading}
    for name, kind in kinds.items():
        assert kind(**vars(getattr(settings, name))) == getattr(settings, name)


def test_an_option_wins_over_a_file(settled: Callable[..., Settings], tmp_path: Path) -> None:
    write_settings(REST, tmp_path / "recipe.toml")
    for name, value in choices(OTHER):
        if name in ONE_BY_ONE:
            found = dict(choices(settled("--config", "recipe.toml", *option(name, value))))
            assert found == dict(choices(REST)) | {name: value}


ONE_BY_ONE = {
    f"{table}.{name}"
    for table, names in {
        "network": ("hidden", "activation", "output", "bias", "init", "bias_init", "dtype"),
        "training": ("batch_size", "lr", "schedule", "clip_norm", "dropout", "shuffle", "seed"),
        "reading": ("classes", "test", "missing"),
        "device": ("device", "precision", "graph"),
    }.items()
    for name in names
}
"""Choices that go with any others."""


def option(name: str, value: Any) -> list[str]:
    """Write a choice as it is given to ``mlp train``."""
    name = name.rpartition(".")[2]
    flag = "--" + RENAMED.get(name, name).replace("_", "-")
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    return [flag, ",".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)]


def as_options(settings: Settings) -> list[str]:
    """Write all choices that are not the defaults as options."""
    written = [option(name, value) for name, _, value in differences(Settings(), settings)]
    folder = ["--run", "run"] if settings.snapshots is not None else []
    return [*(part for parts in written for part in parts), *folder]
