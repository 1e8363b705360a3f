"""Activations besides their gradients: what a derivative is given, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backends import get_backend
from mlp.common.errors import UsageError
from mlp.nn.activations import Activation, LeakyReLU
from mlp.nn.layers import LAYERS

CPU = get_backend("cpu")


class Square(Activation):
    """y = x², whose derivative does not follow from y."""

    def apply(self, xp: Any, x: Any, y: Any) -> None:
        xp.multiply(x, x, out=y)

    def gradient(self, xp: Any, dy: Any, x: Any, y: Any, dx: Any) -> None:
        xp.multiply(x, 2.0, out=dx)
        xp.multiply(dy, dx, out=dx)


def test_a_derivative_may_be_written_from_the_input() -> None:
    square = Square(CPU, "float64")
    square.forward(np.array([[-3.0, 2.0]]))
    np.testing.assert_array_equal(square.backward(np.array([[1.0, 10.0]])), [[-6.0, 40.0]])


@pytest.mark.parametrize("slope", [0.0, 0.99])
def test_a_slope_is_taken(slope: float) -> None:
    y = LeakyReLU(CPU, "float64", slope=slope).forward(np.array([[-1.0, 1.0]]))
    np.testing.assert_array_equal(y, [[-slope, 1.0]])


@pytest.mark.parametrize("slope", [-0.01, 1.0, float("nan")])
def test_a_slope_that_is_none_of_a_leaky_relu_is_refused(slope: float) -> None:
    with pytest.raises(UsageError, match=f"slope of leaky_relu .* not {slope:g}"):
        LeakyReLU(CPU, "float64", slope=slope)


@pytest.mark.parametrize("alpha", [0.0, -1.0, 1.5, float("nan")])
def test_an_alpha_that_is_none_of_an_elu_is_refused(alpha: float) -> None:
    with pytest.raises(UsageError, match=f"alpha of elu .* not {alpha:g}"):
        LAYERS["elu"](CPU, "float64", alpha=alpha)  # type: ignore[call-arg]


FORMULAS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu": lambda x: np.array([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x]),
    "elu(0.7)": lambda x: np.where(x > 0, x, 0.7 * (np.exp(x) - 1)),
    "softplus": lambda x: np.log(1 + np.exp(x)),
}


@pytest.mark.parametrize("choice", FORMULAS)
def test_a_smooth_activation_is_its_formula(choice: str) -> None:
    x = np.linspace(-6, 6, 97)
    tolerance = 5e-4 if choice == "gelu" else 1e-13  # GELU without Φ
    y = LAYERS.make(choice, CPU, "float64").forward(x[None])[0]
    np.testing.assert_allclose(y, FORMULAS[choice](x), rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("choice", FORMULAS)
def test_far_out_they_are_0_or_x(choice: str, dtype: str) -> None:
    """And so their slopes are 0 or 1, finite."""
    layer = LAYERS.make(choice, CPU, dtype)
    far = np.array([[-1e9, 1e9]], dtype)
    low = -0.7 if choice == "elu(0.7)" else 0.0
    np.testing.assert_allclose(layer.forward(far), [[low, 1e9]], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(layer.backward(np.ones_like(far)), [[0.0, 1.0]], atol=1e-6)
