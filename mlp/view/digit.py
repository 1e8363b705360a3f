"""Images of digits in the terminal: in half blocks, or in five greys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from mlp.common.pictures import RGB, Image
from mlp.view.image import (
    FULL,
    LOWER,
    UPPER,
    characters,
    fit,
    half_blocks,
    half_blocks_of_ink,
    shrink,
)
from mlp.view.layout import flow
from mlp.view.screen import Screen

Style = Literal["blocks", "greys"]
STYLES: tuple[Style, ...] = get_args(Style)

GREYS = " ░▒▓█"
ASCII_GREYS = " .:+#"
"""Five greys, from nothing to full, by how much of a character's cell they fill."""


def draw_digit(
    image: NDArray[Any], screen: Screen, style: Style = "blocks", negative: bool = False
) -> list[Text]:
    """Draw an image.

    Args:
        image: uint8, shape (height, width), 0 is paper and 255 is ink.
        screen: where it is to be shown; what is too wide for it is shrunk.
        style: ``"blocks"`` puts two pixels, one above the other, in each character, in shades
            where there is colour and else in black and white; ``"greys"`` gives each pixel two
            characters of five shades.
        negative: draw the paper instead of the ink.
    """
    ink = image / 255.0  # (H, W)
    if negative:
        ink = 1.0 - ink
    if style == "greys":
        ramp = GREYS if screen.can_show(GREYS) else ASCII_GREYS
        return characters(_five_levels(fit(ink, screen.width // 2)).repeat(2, axis=1), ramp)
    ink = fit(ink, screen.width)
    if not screen.can_show(UPPER + LOWER + FULL):
        return characters(_five_levels(shrink(ink, 2, 1)), ASCII_GREYS)
    return half_blocks(ink, _grey) if screen.colour else half_blocks_of_ink(ink >= 0.5)


def draw_digits(
    images: NDArray[Any],
    captions: Sequence[str],
    screen: Screen,
    style: Style = "blocks",
    negative: bool = False,
) -> list[Text]:
    """Draw images, shape (N, height, width), with a line above each, side by side."""
    blocks = [
        [Text(caption), *draw_digit(image, screen, style, negative)]
        for image, caption in zip(images, captions, strict=True)
    ]
    return flow(blocks, screen.width)


def _five_levels(ink: Image) -> NDArray[np.int64]:
    return np.minimum(np.nan_to_num(ink) * 5, 4).astype(np.int64)


def _grey(ink: float) -> RGB:
    return (round(255 * ink),) * 3
