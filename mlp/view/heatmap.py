"""Weights in the terminal: each unit's as an image, negative in one colour, positive in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rich.color import Color
from rich.style import Style
from rich.text import Text

from mlp.view.image import RGB, Image, as_image, characters, enlarge, fit, half_blocks, shrink
from mlp.view.layout import flow, wrap
from mlp.view.screen import Screen

NEGATIVE: RGB = (70, 140, 255)
ZERO: RGB = (16, 16, 16)
POSITIVE: RGB = (255, 140, 30)
"""Blue and orange, which the colour-blind tell apart too."""

RAMP = "=- +#"
"""The same without colour, from very negative to very positive."""

ROBUST = 99.0
"""The percentile of the absolute values that full colour stands for: one outlier dims nothing."""


def robust_maximum(values: ArrayLike) -> float:
    """Return the 99th percentile of the absolute values, or the largest where that is 0.

    Values that are not finite do not count; of none, it is 0.
    """
    sizes = np.abs(np.asarray(values, np.float64))
    sizes = sizes[np.isfinite(sizes)]
    if not sizes.size:
        return 0.0
    return float(np.percentile(sizes, ROBUST)) or float(sizes.max())


def scaled(values: ArrayLike, maximum: float) -> NDArray[np.float64]:
    """Divide by ``maximum``, and cut off what is then beyond -1 and 1; NaN stays."""
    values = np.asarray(values, np.float64)
    if maximum == 0.0:
        return np.where(np.isnan(values), np.nan, 0.0)
    result: NDArray[np.float64] = np.clip(values, -maximum, maximum) / maximum  # never overflows
    return result


def draw_signed(image: Image, screen: Screen) -> list[Text]:
    """Draw an image of values from -1 to 1, shape (height, width); NaN is left blank.

    Each character holds two pixels, one above the other; a small image is enlarged first. Where
    there is no colour, the mean of the two is one of the five characters `RAMP`.
    """
    image = fit(enlarge(image, _enlargement(image)), screen.width)
    if screen.shades:
        return half_blocks(image, _colour)
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
    """

    title: str
    captions: Sequence[str]
    images: Sequence[Image]
    maximum: float | None


def units_of(
    W: NDArray[Any], number: int, shape: tuple[int, int] | None = None, *, each: bool = False
) -> Units:
    """Arrange the weights of each unit of a layer as an image.

    Args:
        W: shape (I, O), a column for each unit.
        number: the layer's, from 1.
        shape: (height, width) of the images that are the layer's input, if it is images; else a
            unit's weights are laid out as square as their number allows.
        each: whether each unit is scaled by its own maximum instead of the layer's.
    """
    inputs, units = W.shape
    layer = robust_maximum(W)
    return Units(
        f"layer {number}: {units} units of {inputs} weights",
        [f"unit {unit}" for unit in range(units)],
        [as_image(scaled(w, robust_maximum(w) if each else layer), shape) for w in W.T],
        None if each else layer,
    )


def draw_units(units: Units, screen: Screen, count: int) -> list[Text]:
    """Draw the first ``count`` units side by side, each below its caption."""
    blocks = [
        [Text(caption), *draw_signed(image, screen)]
        for caption, image in zip(units.captions[:count], units.images[:count], strict=True)
    ]
    heading = [*wrap(units.title, screen.width), *legend(screen, units.maximum), Text()]
    return [*heading, *flow(blocks, screen.width)]


def legend(screen: Screen, maximum: float | None = None) -> list[Text]:
    """Say what the colours or characters stand for, given what full colour stands for."""
    full = "scaled one by one" if maximum is None else f"full from {maximum:.3g} on"
    if not screen.shades:
        return wrap(f"= and - negative, + and # positive, {full}", screen.width)
    line = Text()
    for colour, meaning in ((NEGATIVE, "negative"), (ZERO, "0"), (POSITIVE, "positive")):
        line.append("  ", Style(bgcolor=Color.from_rgb(*colour)))
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


def _colour(value: float) -> RGB:
    full = POSITIVE if value > 0 else NEGATIVE
    red, green, blue = (round(z + abs(value) * (f - z)) for z, f in zip(ZERO, full, strict=True))
    return red, green, blue
