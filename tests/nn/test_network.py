"""The network: how its parameters lie, what may follow a linear layer, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlp.common.errors import UsageError
from mlp.nn.activations import LeakyReLU, ReLU
from mlp.nn.layers import Linear
from mlp.nn.network import MLP


@pytest.mark.parametrize("bias", [True, False])
def test_weights_lie_before_biases_in_one_flat_array(bias: bool) -> None:
    model = MLP([4, 3, 2], bias=bias, bias_init="normal(1)")
    weights = [layer.W.ravel() for layer in model.linear]
    biases = [layer.b for layer in model.linear if layer.b is not None]
    np.testing.assert_array_equal(np.concatenate([*weights, *biases]), model.parameters)
    assert (model.weight_count, model.bias_count) == (18, 5 * bias)
    for layer in model.linear:
        assert np.shares_memory(layer.W, model.parameters)
        assert np.shares_memory(layer.dW, model.gradients)
    assert list(model.named_parameters()) == [
        f"layers.{k}.{name}" for k in range(2) for name in ("W", "b")[: 1 + bias]
    ]


def test_several_layers_may_follow_a_linear_one() -> None:
    model = MLP([4, 3, 2], "leaky_relu(0.2),relu", "identity")
    kinds = [[type(layer) for layer in block][:-1] for block in model.blocks]
    assert kinds == [[Linear, LeakyReLU], [Linear]]
    first = model.blocks[0]
    assert isinstance(first[1], LeakyReLU)
    assert first[1].slope == 0.2
    assert isinstance(first[2], ReLU)
    assert model.layers == [layer for block in model.blocks for layer in block]


def test_without_an_init_all_parameters_are_zero() -> None:
    assert not MLP([4, 3, 2], init=None, bias_init="normal(1)").parameters.any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sizes": [4]}, "an input and an output width"),
        ({"sizes": [4, 0]}, "all positive"),
        ({"sizes": [4, 2.5]}, "all positive"),
        ({"sizes": [4, True]}, "all positive"),
        ({"sizes": 784}, "an input and an output width or more, all positive, not 784"),
        ({"sizes": None}, "not None"),
        ({"activation": None}, "there is no activation None: choose one of relu"),
        ({"output": 3}, "there is no activation 3"),
        ({"init": 1.0}, "there is no initialisation 1.0"),
        ({"bias_init": None}, "there is no initialisation None"),
        ({"seed": -1}, "the seed must be a whole number of at least 0, not -1"),
        ({"seed": "1"}, "at least 0, not '1'"),
        ({"activation": "no such"}, "there is no activation 'no such': choose one of relu"),
        ({"sizes": [4, 2], "activation": "no such"}, "there is no activation"),
        ({"output": "no such"}, "there is no activation 'no such'"),
        ({"activation": "leaky_relu(2)"}, "slope of leaky_relu must be from 0 to below 1, not 2"),
        ({"activation": "relu(1)"}, "takes 0 finite number"),
        ({"activation": ""}, "there is no activation ''"),
        ({"activation": "relu," * 200_000}, "100 activations at most: name fewer than 200,001"),
        ({"output": "relu," * 200 + "relu"}, "100 activations at most"),
        ({"dtype": "float16"}, "there is no dtype 'float16': choose float32 or float64"),
    ],
)
def test_what_makes_no_network_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        MLP(**{"sizes": [4, 3, 2], **options})


def test_widths_may_be_numpys_integers() -> None:
    model = MLP([np.int64(4), np.uint8(3)])  # type: ignore[list-item]
    assert model.sizes == (4, 3)
    assert all(type(size) is int for size in model.sizes)
