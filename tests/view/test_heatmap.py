"""Weights as images: any weights at all, and their signs and places."""

from __future__ import annotations

from colorsys import rgb_to_hsv

import numpy as np
import pytest
from rich.color import Color, ColorSystem
from screens import RNG, plain

from mlp.common.pictures import as_image, robust_maximum, scaled
from mlp.view.heatmap import (
    RAMP,
    draw_signed,
    draw_units,
    palette_colour,
    signed_colour,
    units_of,
)
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


def hue(colour: tuple[int, int, int]) -> float:
    return 360 * rgb_to_hsv(*(part / 255 for part in colour))[0]


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_terminal_of_256_colours_keeps_blue_and_orange(sign: int) -> None:
    """The nearest colours by red, green and blue are black, olive and teal among others."""
    full = signed_colour(sign)
    values = sign * np.linspace(0.22, 1, 200)
    colours = [palette_colour(value) for value in values]
    assert max(abs(hue(colour) - hue(full)) for colour in colours) < 30.5
    assert len(set(colours)) >= 6
    assert sum(colours[-1]) > 2 * sum(colours[0])
    for colour in colours:  # are its own, so that nothing is rounded on the way
        assert Color.from_rgb(*colour).downgrade(ColorSystem.EIGHT_BIT).get_truecolor() == colour
    assert palette_colour(0.05 * sign) == palette_colour(0.0)


def test_the_screen_decides_the_colours() -> None:
    image = np.array([[-0.4, 0.4]])
    for true_colour, colour_of in ((True, signed_colour), (False, palette_colour)):
        (line, *_) = draw_signed(image, Screen(colour=True, true_colour=true_colour))
        drawn = [line.spans[at].style.color.triplet for at in (0, -1)]
        assert drawn == [colour_of(value) for value in (-0.4, 0.4)]


@pytest.mark.parametrize("each", [True, False])
def test_weights_of_pixels_that_no_image_lights_up_are_not_in_the_scale(each: bool) -> None:
    W = RNG.normal(size=(36, 4))
    unlit = np.arange(36) < 6
    W[unlit] *= 100
    units = units_of(W, 1, each=each, unlit=unlit)
    alone = units_of(W[~unlit], 1, each=each)
    assert units.maximum == alone.maximum
    np.testing.assert_array_equal(units.images[2].ravel()[6:], alone.images[2].ravel()[:30])
    assert units.full.endswith("6 unlit pixels apart")
    for none in (np.zeros(36, bool), np.ones(36, bool)):  # of a new network nothing has learnt
        assert units_of(W, 1, each=each, unlit=none).maximum == units_of(W, 1, each=each).maximum
