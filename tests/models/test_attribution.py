"""What each input adds to an output, against the output itself and differences."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.models.attribution import contributions
from mlp.nn.network import MLP

IMAGE = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)


def test_contributions_sum_to_the_output_of_a_network_of_relus_without_biases() -> None:
    model = MLP([784, 20, 7, 10], bias=False, dtype="float64", seed=3)
    z = model.forward(IMAGE.reshape(1, -1) / 255.0)
    z = z.copy()
    for unit in (0, 9):
        parts = contributions(model, IMAGE, unit)
        assert [len(part) for part in parts] == [784, 20, 7]
        np.testing.assert_allclose([part.sum() for part in parts], z[0, unit], rtol=1e-10)


def test_contributions_are_input_times_gradient_by_differences() -> None:
    model = MLP([784, 5, 10], "tanh", "sigmoid", dtype="float64", seed=1)
    hidden = model.layers[:-1]
    image = IMAGE
    x = image.reshape(1, -1) / 255.0

    def z(x: np.ndarray) -> float:
        for layer in hidden:
            x = layer.forward(x)
        return float(x[0, 4])

    first = contributions(model, image, 4)[0]
    step = np.zeros_like(x)
    for pixel in (0, 100, 400):
        step[:] = 0
        step[0, pixel] = 1e-6
        slope = (z(x + step) - z(x - step)) / 2e-6
        assert first[pixel] == pytest.approx(x[0, pixel] * slope, rel=1e-5)
