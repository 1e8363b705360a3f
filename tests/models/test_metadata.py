"""Metadata: to JSON and back, what an untrained model has, and entries that cannot be read."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from mlp.common.errors import ModelError
from mlp.data.inputs import Columns, Inputs, Pixels
from mlp.data.load import load_dataset
from mlp.data.task import Task
from mlp.models.metadata import (
    DatasetSummary,
    Initialisation,
    Metadata,
    metadata_of,
    task_of,
    temperature_of,
)
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe

ENTRIES: dict[str, Any] = {
    "dataset": {
        "image_shape": [28, 28],
        "name": "digits",
        "test_images": 50,
        "test_sha256": "b",
        "train_images": 200,
        "train_sha256": "a",
    },
    "history": [{"epoch": 1, "loss": 0.5, "validation_accuracy": None}],
    "init": {"W": "he_normal", "b": "zeros", "seed": 3},
    "recipe": {"lr": 0.1, "clip_norm": None},
    "task": {"kind": "binary", "names": ["even"], "positive": [0, 2]},
    "temperature": 1.5,
    "test_accuracy": 0.75,
    "train_accuracy": 1.0,
    "validation_accuracy": None,
}


def as_text(entries: dict[str, Any]) -> str:
    told = {key: value for key, value in entries.items() if value is not None}
    return json.dumps(told, sort_keys=True)


def test_what_a_file_tells_is_read_and_written_as_it_was() -> None:
    metadata = Metadata.from_json(ENTRIES)
    assert metadata == Metadata(
        initialisation=Initialisation("he_normal", "zeros", 3),
        task=Task("binary", ("even",), (0, 2)),
        recipe={"lr": 0.1, "clip_norm": None},
        dataset=DatasetSummary("digits", (28, 28), 200, "a", 50, "b"),
        history=({"epoch": 1, "loss": 0.5, "validation_accuracy": None},),
        train_accuracy=1.0,
        test_accuracy=0.75,
        temperature=1.5,
    )
    assert json.dumps(metadata.to_json(), sort_keys=True) == json.dumps(ENTRIES, sort_keys=True)


def test_what_training_tells_survives_json() -> None:
    model = MLP([784, 10], seed=4)
    data = load_dataset("synthetic:60+20")
    history = train(model, data, Recipe(epochs=2, validation=20))
    metadata = metadata_of(model)
    assert Metadata.from_json(json.loads(json.dumps(metadata.to_json()))) == metadata
    assert metadata.initialisation == Initialisation("he_normal", "zeros", 4)
    assert metadata.dataset == DatasetSummary(
        data.name, (28, 28), 60, data.train.checksum, 20, data.test.checksum, "synthetic:60+20"
    )
    assert metadata.validation_accuracy == history.epochs[-1].validation_accuracy
    assert metadata.temperature == temperature_of(model)
    assert metadata.to_json().keys() == ENTRIES.keys() | {"epoch"}
    assert metadata.epoch == 2
    assert not metadata.unread


def test_an_untrained_model_tells_how_it_was_made_and_no_more() -> None:
    model = MLP([4, 3], init="zeros", bias_init="normal(1)", seed=2)
    entries = metadata_of(model).to_json()
    assert entries == {"init": {"W": "zeros", "b": "normal(1)", "seed": 2}}
    assert task_of(model) == Task(names=("0", "1", "2"))
    assert temperature_of(model) == 1.0
    assert Metadata().to_json() == {}


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("note", "of another version"),
        ("init", {"W": "zeros"}),
        ("init", {"W": "zeros", "b": "zeros", "seed": "3"}),
        ("recipe", [1, 2]),
        ("dataset", 3),
        ("dataset", {"image_shape": [28, 28]}),
        ("dataset", ENTRIES["dataset"] | {"image_shape": [-28, -28]}),
        ("dataset", ENTRIES["dataset"] | {"name": 5}),
        ("dataset", ENTRIES["dataset"] | {"train_images": "all"}),
        ("history", "text"),
        ("history", {"epoch": 1}),
        ("history", [1]),
        ("history", [{"epoch": 1, "loss": float("nan")}]),
        ("history", [{"epoch": 1, "loss": 1.0, "note": "text"}]),
        ("test_accuracy", "high"),
        ("test_accuracy", 75),
        ("train_accuracy", True),
    ],
)
def test_what_cannot_be_read_is_kept(entry: str, value: object) -> None:
    entries = ENTRIES | {entry: value}
    metadata = Metadata.from_json(entries)
    assert metadata.unread == {entry: value}
    assert as_text(metadata.to_json()) == as_text(entries)


@pytest.mark.parametrize(
    "task",
    [
        3,
        {},
        {"kind": "binary"},
        {"kind": "several", "names": [], "positive": []},
        {"kind": "binary", "names": [1], "positive": []},
        {"kind": "binary", "names": ["even"], "positive": ["0"]},
    ],
)
def test_a_damaged_task_is_refused(task: object) -> None:
    with pytest.raises(ModelError, match="does not tell what its outputs answer"):
        Metadata.from_json({"task": task})


@pytest.mark.parametrize("damaged", [0, -1.0, float("nan"), float("inf"), "2", [2], True])
def test_what_is_no_temperature_is_refused(damaged: object) -> None:
    with pytest.raises(ModelError, match="temperature"):
        Metadata.from_json({"temperature": damaged})


@pytest.mark.parametrize(
    "inputs", [Pixels(0.0, 16.0, (8, 8)), Columns(("a", "b"), (0.5, -3.0), (1.0, 2.0), True)]
)
def test_what_a_model_reads_survives_json(inputs: Inputs) -> None:
    told = json.loads(json.dumps(Metadata(inputs=inputs).to_json()))
    assert Metadata.from_json(told).inputs == inputs
    for damaged in ({"kind": "pixels"}, 3, told["inputs"] | {"kind": "sound"}):
        with pytest.raises(ModelError, match="which values it reads"):
            Metadata.from_json({"inputs": damaged})


PIXELS = {"kind": "pixels", "low": 0.0, "high": 1.0, "shape": [2, 3]}
COLUMNS = {"kind": "columns", "names": ["a"], "mean": [0.0], "deviation": [1.0], "fill": False}


@pytest.mark.parametrize(
    "damaged",
    [
        PIXELS | {"low": -10**400}, PIXELS | {"low": -math.inf},
        PIXELS | {"low": -1e308, "high": 1e308}, PIXELS | {"shape": [math.inf, 3]},
        PIXELS | {"shape": [-2, -3]}, PIXELS | {"shape": [6]},
        COLUMNS | {"mean": [10**400]}, COLUMNS | {"names": ["\ud800"]},
    ],
)  # fmt: skip
def test_values_that_nothing_can_be_computed_of_are_refused(damaged: dict[str, Any]) -> None:
    entries = json.loads(json.dumps({"inputs": damaged}))
    with pytest.raises(ModelError, match="which values it reads"):
        Metadata.from_json(entries)


def test_the_units_of_numbers_survive_json() -> None:
    task = Task("regression", ("price",), (), (1000.0,), (20.0,))
    told = json.loads(json.dumps(Metadata(task=task).to_json()))
    assert Metadata.from_json(told).task == task
    told["task"]["deviation"] = [0]
    with pytest.raises(ModelError, match="what its outputs answer"):
        Metadata.from_json(told)


@pytest.mark.parametrize("number", [10**400, -(10**400), 1e308, float("inf"), float("nan")])
def test_numbers_that_would_overflow_are_not_read(number: float) -> None:
    figures = [{"epoch": 1, "loss": number}]
    assert Metadata.from_json({"history": figures}).history == ()
    assert Metadata.from_json({"test_accuracy": number}).test_accuracy is None
    with pytest.raises(ModelError, match="temperature"):
        Metadata.from_json({"temperature": number})


def test_texts_of_a_file_are_fit_to_be_printed() -> None:
    task = {"kind": "multiclass", "names": ["\x1b[2J", "b" * 999], "positive": []}
    read = Metadata.from_json({"task": task, "recipe": {"optim\nizer": ["\x07", {"a": "\x9b"}]}})
    assert read.task is not None
    assert read.task.names[0] == r"\x1b[2J"
    assert len(read.task.names[1]) <= 60
    assert read.recipe == {r"optim\nizer": [r"\x07", {"a": r"\x9b"}]}
