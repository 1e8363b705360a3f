"""What ``mlp train`` takes, ``recipe.toml`` holds, and the other way round."""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from mlp.cli.expand import Overrides, expand
from mlp.cli.train import train
from mlp.data.reading import Reading
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import DataSettings, DeviceSettings, Settings

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
