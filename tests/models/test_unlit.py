"""Which inputs no image lit: found from the weights alone, and never guessed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlp.data.dataset import Dataset
from mlp.data.load import load_dataset
from mlp.models.metadata import metadata_of
from mlp.models.unlit import unlit_inputs
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("synthetic:200+40")


@pytest.mark.parametrize("init", ["he_normal", "uniform(-1, 1)"])
def test_they_are_the_pixels_that_are_black_in_every_image(data: Dataset, init: str) -> None:
    model = MLP([784, 12, 10], init=init, seed=3)
    assert unlit_inputs(model).all()  # nothing has learnt yet
    train(model, data, Recipe(epochs=2, batch_size=20))
    lit = data.train.images.reshape(len(data.train), -1).any(axis=0)
    assert 0 < lit.sum() < 784
    found = unlit_inputs(model)
    assert found[~lit].all()
    assert found[lit].mean() < 0.03  # lit too faintly, by an image or two, to move a float32


def test_decayed_weights_count_as_learnt(data: Dataset) -> None:
    model = MLP([784, 12, 10])
    train(model, data, Recipe(epochs=2, batch_size=20, weight_decay=0.1))
    assert not unlit_inputs(model).any()


@pytest.mark.parametrize("init", [None, "of_a_plugin"])
def test_nothing_is_guessed_of_an_unknown_start(init: str | None) -> None:
    model = MLP([784, 12, 10])
    started = metadata_of(model).initialisation
    assert started is not None
    model.metadata = replace(metadata_of(model), initialisation=replace(started, W=init))
    assert not unlit_inputs(model).any()
    model.metadata = replace(metadata_of(model), initialisation=None)
    assert not unlit_inputs(model).any()


def test_zeros_and_weights_that_are_not_finite_are_not_unlit() -> None:
    assert not unlit_inputs(MLP([6, 3], init="zeros")).any()
    model = MLP([6, 3])
    model.linear[0].W[2] = np.nan
    assert unlit_inputs(model).tolist() == [True, True, False, True, True, True]
