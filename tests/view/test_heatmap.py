"""Weights as images: any weights at all, and their signs and places."""

from __future__ import annotations

import numpy as np
import pytest
from screens import RNG, plain

from mlp.view.heatmap import RAMP, draw_signed, draw_units, robust_maximum, scaled, units_of
from mlp.view.image import as_image
from mlp.view.screen import Screen

EXTREME = {
    "zero": np.zeros((36, 4)),
    "huge": np.full((36, 4), 1e30, np.float32),
    "largest": np.full((36, 4), np.finfo(np.float64).max) * np.where(np.arange(4) % 2, 1, -1),
    "tiny": np.full((36, 4), 5e-324),
    "outlier": np.where(np.arange(144).reshape(36, 4) == 5, 1e30, 0.1),
    "lone": np.where(np.arange(144).reshape(36, 4) == 5, 1e300, 0.0),
    "not finite": np.where(np.arange(144).reshape(36, 4) % 3, np.inf, np.nan),
}


@pytest.mark.parametrize("name", EXTREME)
@pytest.mark.parametrize("screen", [Screen(colour=True), Screen(), Screen(encoding="ascii")])
@pytest.mark.parametrize("each", [True, False])
def test_any_weights_are_drawn(name: str, screen: Screen, each: bool) -> None:
    units = units_of(EXTREME[name], 1, each=each)
    assert all(np.nanmax(np.abs(image), initial=0) <= 1 for image in units.images)
    assert all(line.cell_len <= 80 for line in draw_units(units, screen, 4))


def test_one_outlier_does_not_dim_the_rest() -> None:
    assert robust_maximum(EXTREME["outlier"]) == pytest.approx(0.1)
    assert scaled(EXTREME["outlier"], 0.1).min() == pytest.approx(1.0)
    assert robust_maximum(EXTREME["lone"]) == 1e300


def test_normal_weights_do_not_saturate() -> None:
    W = RNG.normal(size=(784, 10))
    assert (np.abs(scaled(W, robust_maximum(W))) == 1).mean() < 0.011


def test_without_colour_plus_and_minus_tell_the_sign() -> None:
    image = np.repeat([[-1.0, -0.5, 0.0, 0.5, 1.0]], 12, axis=0).repeat(3, axis=1)
    assert plain(draw_signed(image, Screen()))[0] == "".join(c * 3 for c in RAMP)


def test_with_colour_blue_is_negative_and_orange_positive() -> None:
    (line, *_) = draw_signed(np.array([[-1.0, 1.0]]), Screen(colour=True))
    red, _, blue = line.spans[0].style.color.triplet
    assert blue > 2 * red
    red, _, blue = line.spans[-1].style.color.triplet
    assert red > 2 * blue


def test_places_without_a_weight_stay_blank() -> None:
    lines = draw_signed(as_image(np.ones(10)), Screen(colour=True))
    assert lines[-1].plain.endswith(" " * 8)  # 10 weights leave two places of 3 x 4
