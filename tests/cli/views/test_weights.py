"""``mlp show weights``: every layer's, or some units'."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from view_command import lines, refusal

from mlp.models import model_file
from mlp.models.metadata import Metadata, metadata_of
from mlp.nn.network import MLP


def test_weights_show_every_layer(model: str) -> None:
    found = lines("weights", model)
    titles = [line for line in found if line.startswith("layer")]
    assert titles == ["layer 1: 12 units of 784 weights", "layer 2: 10 units of 12 weights"]
    assert sum(line.count("unit ") for line in found) == 12 + 10


def test_weights_of_one_layer_and_some_units(model: str) -> None:
    found = lines("weights", model, "--layer", "2", "--count", "3", "--scale", "unit")
    assert found[0] == "layer 2: 10 units of 12 weights"
    assert sum(line.count("unit ") for line in found) == 3
    assert "scaled one by one" in found[1]


def test_the_image_shape_comes_from_the_model_file(model: str, tmp_path: Path) -> None:
    network = model_file.load(model)
    metadata = metadata_of(network)
    assert metadata.dataset is not None
    assert metadata.dataset.image_shape == (28, 28)
    network.metadata = replace(metadata, dataset=replace(metadata.dataset, image_shape=(14, 56)))
    model_file.save(network, tmp_path / "wide.safetensors")
    found = lines("weights", str(tmp_path / "wide.safetensors"), "--layer", "1", "--count", "1")
    assert len(found) == 4 + 7


@pytest.mark.parametrize("about", [{}, {"dataset": 3}, {"dataset": {"image_shape": [-28, -28]}}])
def test_weights_need_no_word_of_the_training(about: dict[str, object], tmp_path: Path) -> None:
    network = MLP([36, 4], init="zeros")
    network.metadata = Metadata.from_json(about)
    model_file.save(network, tmp_path / "new.safetensors")
    found = lines("weights", str(tmp_path / "new.safetensors"))
    assert found[0] == "layer 1: 4 units of 36 weights"


@pytest.mark.parametrize("layer", ["0", "3", "-1"])
def test_a_layer_that_is_not_there_is_refused(model: str, layer: str) -> None:
    assert "the layers are 1 to 2" in refusal("weights", model, "--layer", layer)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    network = MLP([4, 2])
    network.linear[0].W[0, 0] = np.nan
    model_file.save(network, tmp_path / "nan.safetensors")
    assert "not finite" in refusal("weights", str(tmp_path / "nan.safetensors"))
