"""Weights in the terminal: each unit's as an image, negative in one colour, positive in another."""

from __future__ import annotations

from collections.abc import Sequence
from colorsys import rgb_to_hsv
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style
from rich.text import Text

from mlp.common.pictures import (
    NEGATIVE,
    POSITIVE,
    RGB,
    Image,
    as_image,
    robust_maximum,
    scaled,
)
from mlp.view.image import characters, enlarge, fit, half_blocks, shrink
from mlp.view.layout import flow, wrap
from mlp.view.screen import Screen

ZERO: RGB = (16, 16, 16)
"""On a dark screen; blue and orange are the ends."""

PALETTE_ZERO: RGB = (18, 18, 18)
FAINTEST = 0.22
HUE_APART, LEAST_SATURATION = 30, 0.5
"""In a terminal of 256 colours: what values nearer to 0 than `FAINTEST` are; and how far the hues
of others may be from blue and orange, in degrees, and how grey."""

RAMP = "=- +#"
"""The same without colour, from very negative to very positive."""


def draw_signed(image: Image, screen: Screen) -> list[Text]:
    """Draw an image of values from -1 to 1, shape (height, width); NaN is left blank.

    Each character holds two pixels, one above the other; a small image is enlarged first. Where
    there is no colour, the mean of the two is one of the five characters `RAMP`.
    """
    image = fit(enlarge(image, _enlargement(image)), screen.width)
    if screen.shades:
        return half_blocks(image, signed_colour if screen.true_colour else palette_colour)
    means = np.nan_to_num(shrink(image, 2, 1))
    return characters(np.round(means * 2).astype(np.int64) + 2, RAMP)


@dataclass(frozen=True)
class Units:
    """Units of one layer, each with its weights as an image.

    Attributes:
        title: which layer it is.
        captions: one for each unit.
        images: one for each unit: values from -1 to 1.
        maximum: the weight that 1 stands for; None where each unit is scaled by itself.
        unlit: how many pixels no image lights up, whose weights are left out of the scale.
    """

    title: str
    captions: Sequence[str]
    images: Sequence[Image]
    maximum: float | None
    unlit: int = 0

    @property
    def full(self) -> str:
        """What full colour stands for, in words."""
        scaled_by = (
            "scaled one by one" if self.maximum is None else f"full from {self.maximum:.3g} on"
        )
        return scaled_by + (f", {self.unlit} unlit pixels apart" if self.unlit else "")


def units_of(
    W: NDArray[Any],
    number: int,
    shape: tuple[int, int] | None = None,
    *,
    each: bool = False,
    unlit: NDArray[np.bool_] | None = None,
) -> Units:
    """Arrange the weights of each unit of a layer as an image.

    Args:
        W: shape (I, O), a column for each unit.
        number: the layer's, from 1.
        shape: (height, width) of the images that are the layer's input, if it is images; else a
            unit's weights are laid out as square as their number allows.
        each: whether each unit is scaled by its own maximum instead of the layer's.
        unlit: which inputs no training image ever lights up, shape (I,): their weights, which mean
            nothing, are left out of the scale. None where there are none, or nobody knows.
    """
    inputs, units = W.shape
    apart = 0 if unlit is None or unlit.all() else int(unlit.sum())
    learnt = W[~unlit] if unlit is not None and apart else W
    layer = robust_maximum(learnt)
    maxima = map(robust_maximum, learnt.T) if each else [layer] * units
    return Units(
        f"layer {number}: {units} units of {inputs} weights",
        [f"unit {unit}" for unit in range(units)],
        [as_image(scaled(w, maximum), shape) for w, maximum in zip(W.T, maxima, strict=True)],
        None if each else layer,
        apart,
    )


def draw_units(units: Units, screen: Screen, count: int) -> list[Text]:
    """Draw the first ``count`` units side by side, each below its caption."""
    blocks = [
        [Text(caption), *draw_signed(image, screen)]
        for caption, image in zip(units.captions[:count], units.images[:count], strict=True)
    ]
    heading = [*wrap(units.title, screen.width), *legend(screen, units.full), Text()]
    return [*heading, *flow(blocks, screen.width)]


def legend(screen: Screen, full: str = "scaled one by one") -> list[Text]:
    """Say what the colours or characters stand for, given what full colour stands for."""
    if not screen.shades:
        return wrap(f"= and - negative, + and # positive, {full}", screen.width)
    line = Text()
    colour_of = signed_colour if screen.true_colour else palette_colour
    for value, meaning in ((-1.0, "negative"), (0.0, "0"), (1.0, "positive")):
        line.append("  ", Style(bgcolor=Color.from_rgb(*colour_of(value))))
        line.append(f" {meaning}  ")
    if line.cell_len + len(full) <= screen.width:
        return [line.append(full)]
    line.rstrip()
    line.truncate(screen.width)
    return [line, *wrap(full, screen.width)]


def _enlargement(image: Image) -> int:
    """Choose a factor that makes a small image large enough to see."""
    side = max(image.shape)
    return 1 if side > 12 else 2 if side > 4 else 4


def signed_colour(value: float) -> RGB:
    """Return the colour of a value from -1 to 1."""
    full = POSITIVE if value > 0 else NEGATIVE
    red, green, blue = (round(z + abs(value) * (f - z)) for z, f in zip(ZERO, full, strict=True))
    return red, green, blue


@cache
def _palette(is_positive: bool) -> list[RGB]:
    """Return the colours of xterm's cube that have about the hue of a sign's colour.

    The nearest by red, green and blue is often a grey, a green or a red where the colour is dark,
    so that the sign would be lost.
    """
    steps = (0, 95, 135, 175, 215, 255)
    cube = [(r, g, b) for r in steps for g in steps for b in steps]
    wanted = _hue_and_saturation(POSITIVE if is_positive else NEGATIVE)[0]
    found = []
    for colour in cube:
        hue, saturation = _hue_and_saturation(colour)
        if abs(hue - wanted) <= HUE_APART and saturation >= LEAST_SATURATION:
            found.append(colour)
    return found


def _hue_and_saturation(colour: RGB) -> tuple[float, float]:
    """Return degrees, and from 0 to 1."""
    hue, saturation, _ = rgb_to_hsv(*(part / 255 for part in colour))
    return 360 * hue, saturation


@lru_cache(maxsize=2**12)
def palette_colour(value: float) -> RGB:
    """Return the colour of a value from -1 to 1 among xterm's 256, of the hue of its sign."""
    if abs(value) < FAINTEST:
        return PALETTE_ZERO
    wanted = signed_colour(value)
    apart = {
        colour: sum((c - w) ** 2 for c, w in zip(colour, wanted, strict=True))
        for colour in _palette(value > 0)
    }
    return min(apart, key=apart.__getitem__)
