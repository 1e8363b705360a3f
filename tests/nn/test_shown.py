"""A network in a notebook: its layers, its parameters and pictures of its weights."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from shown import Shown

from mlp.nn.network import MLP


def test_layers_and_parameters_are_told() -> None:
    shown = Shown(MLP([784, 60, 10])._repr_html_())
    for text in (
        "Linear(784, 60)",
        "W (784, 60), b (60,)",
        "47,100",
        "ReLU()",
        "47,710 parameters",
    ):
        assert text in shown.text
    assert "The weights of 48 of 60 units of the first layer" in shown.text


def test_the_picture_shows_the_signs_of_the_weights() -> None:
    model = MLP([4, 2, 3], init="zeros")
    model.linear[0].W[...] = np.array([[1, -1], [0, 0], [-1, 1], [0, 0]])
    (picture,) = Shown(model._repr_html_()).pictures
    pixels = np.asarray(picture).astype(int)  # two images of 2 x 2, in columns of three
    warm = pixels[:2, :5, 0] - pixels[:2, :5, 2]  # (2, 5): red less blue
    np.testing.assert_array_equal(np.sign(warm), [[1, 0, 0, -1, 0], [-1, 0, 0, 1, 0]])


@pytest.mark.parametrize("shape", [(14, 56), (784,), (5, 5)])
def test_weights_have_the_shape_of_the_images_where_it_is_known(shape: tuple[int, ...]) -> None:
    model = MLP([784, 2, 10])
    model.metadata = SimpleNamespace(dataset=SimpleNamespace(image_shape=shape))
    (picture,) = Shown(model._repr_html_()).pictures
    height, width = shape if shape == (14, 56) else (28, 28)
    assert picture.size == (12 * (width + 1) - 1, height)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 1e38])
def test_any_weights_are_shown(value: float) -> None:
    model = MLP([9, 4, 2], "layer_norm,relu", "softplus", bias=False)
    model.parameters[...] = value
    assert "LayerNorm" in Shown(model._repr_html_()).text
