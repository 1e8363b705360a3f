"""From settings to labels, recipe and network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backends import get_backend
from mlp.common.errors import UsageError
from mlp.data.load import load_dataset
from mlp.models.model_file import save
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.runs.build import ask_for_task, build_network, suited
from mlp.training.runs.settings import DataSettings, Settings

IMAGES = load_dataset("synthetic:60+20")
CPU = get_backend("cpu")
SETTINGS = Settings(network=Architecture(hidden=(6,)))


def test_the_task_decides_the_labels() -> None:
    assert ask_for_task(DataSettings(), IMAGES) is IMAGES
    data = DataSettings(task="binary", positive=(0, 2))
    assert ask_for_task(data, IMAGES).task.kind == "binary"
    assert ask_for_task(DataSettings(task="multilabel"), IMAGES).task.kind == "multilabel"
    with pytest.raises(UsageError, match="--task multiclass"):
        ask_for_task(DataSettings(task="regression"), IMAGES)


def test_what_nobody_chose_suits_the_data() -> None:
    told: list[str] = []
    found = suited(SETTINGS, IMAGES, told.append)
    assert found.training.epochs == 200
    assert len(told) == 1
    chosen = replace(SETTINGS, training=Recipe(epochs=3))
    assert suited(chosen, IMAGES, told.append) == chosen
    assert len(told) == 1


def test_a_network_starts_from_a_model(tmp_path: Path) -> None:
    settings, first = build_network(SETTINGS, IMAGES, CPU)
    assert settings == SETTINGS
    assert first.sizes == (784, 6, 10)
    save(first, tmp_path / "first.safetensors")
    started = Settings(start=str(tmp_path / "first.safetensors"))
    settings, again = build_network(started, IMAGES, CPU)
    assert settings.network.hidden == (6,)
    np.testing.assert_array_equal(again.parameters, first.parameters)


def test_a_new_last_layer_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    save(build_network(SETTINGS, IMAGES, CPU)[1], tmp_path / "first.safetensors")
    started = Settings(start=str(tmp_path / "first.safetensors"))
    images = ask_for_task(DataSettings(task="binary", positive=(1,)), IMAGES)
    settings = replace(started, training=Recipe(loss="binary_cross_entropy"))
    _, model = build_network(settings, images, CPU, note=told.append)
    assert model.sizes == (784, 6, 1)
    assert "the last layer is new" in told[0]
