"""Activations besides their gradients: what a derivative is given, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends import get_backend
from mlp.common.errors import UsageError
from mlp.nn.activations import Activation, LeakyReLU

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
