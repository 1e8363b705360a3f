"""Linear layers besides their gradients: what they are given, and how they are told."""

from __future__ import annotations

from backends import get_backend
from mlp.nn.layers import Linear

CPU = get_backend("cpu")


def test_a_linear_layer_has_a_bias_unless_told() -> None:
    assert Linear(3, 2, CPU, "float32").bias
    assert repr(Linear(3, 2, CPU, "float32")) == "Linear(3, 2)"


def test_a_linear_layer_without_a_bias_says_so() -> None:
    assert repr(Linear(3, 2, CPU, "float32", bias=False)) == "Linear(3, 2, bias=False)"
