"""The surest errors, and cases of any network."""

from __future__ import annotations

import numpy as np
import pytest
from screens import IMAGES, NAMES, case

from mlp.models.attribution import contributions
from mlp.nn.network import MLP
from mlp.view.mistakes import draw_cases, heatmaps, surest
from mlp.view.screen import Screen


@pytest.mark.parametrize("size", [1e30, 0.0])
def test_extreme_networks_are_drawn(size: float) -> None:
    model = MLP([784, 36, 10], init="zeros")
    for layer in model.linear:
        layer.W[...] = size
    active = contributions(model, IMAGES[0], 0)
    assert all(np.nanmax(np.abs(image)) <= 1 for image in heatmaps(case(active)))
    assert draw_cases([case(active)], NAMES, Screen(colour=True))


def test_the_surest_come_first_and_nan_last() -> None:
    confidence = np.array([0.5, np.nan, 0.9, 0.7, 0.9])
    candidates = np.array([True, True, True, False, True])
    assert surest(candidates, confidence, 9) == [2, 4, 0, 1]
    assert surest(candidates, confidence, 2) == [2, 4]
