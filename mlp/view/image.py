"""Small images as arrays: their shape, their size on the screen, and half-block characters.

Everywhere here NaN is a pixel that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style
from rich.text import Text

from mlp.common.pictures import RGB, Image

UPPER, LOWER, FULL = "▀▄█"


def fit(image: Image, width: int) -> Image:
    """Shrink an image by the smallest whole factor that brings it within ``width`` pixels."""
    factor = -(-image.shape[1] // width)
    return shrink(image, factor, factor)


def shrink(image: Image, down: int, across: int) -> Image:
    """Replace each block of down x across pixels by the mean of those that are there."""
    height, width = image.shape
    edges = (0, -height % down), (0, -width % across)
    blocks = np.pad(image, edges, constant_values=np.nan)
    blocks = blocks.reshape(-(-height // down), down, -(-width // across), across)
    there = np.isfinite(blocks)
    counts = there.sum(axis=(1, 3))  # (rows, columns)
    sums = np.where(there, blocks, 0.0).sum(axis=(1, 3))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def enlarge(image: Image, factor: int) -> Image:
    """Repeat each pixel in both directions."""
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def half_blocks(image: Image, colour: Callable[[float], RGB]) -> list[Text]:
    """Draw two pixels, one above the other, in each character, in the colour of their values."""
    lines = []
    for upper, lower in _row_pairs(image):
        line = Text()
        for top, bottom in zip(upper, lower, strict=True):
            line.append(
                *_cell(
                    None if np.isnan(top) else colour(float(top)),
                    None if np.isnan(bottom) else colour(float(bottom)),
                )
            )
        lines.append(line)
    return lines


def half_blocks_of_ink(ink: NDArray[np.bool_]) -> list[Text]:
    """Draw two pixels, one above the other, in each character, without colour."""
    characters = np.array([" ", LOWER, UPPER, FULL])
    pairs = _row_pairs(ink.astype(np.float64))
    return [
        Text("".join(characters[(2 * (upper > 0) + (lower > 0)).astype(int)]))
        for upper, lower in pairs
    ]


def characters(levels: NDArray[np.int64], ramp: Sequence[str]) -> list[Text]:
    """Draw one character a pixel: level k as ``ramp[k]``."""
    return [Text("".join(ramp[level] for level in row)) for row in levels.tolist()]


def _row_pairs(image: Image) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    even = np.pad(image, ((0, len(image) % 2), (0, 0)), constant_values=np.nan)
    return list(zip(even[::2], even[1::2], strict=True))


@lru_cache(maxsize=2**14)
def _cell(upper: RGB | None, lower: RGB | None) -> tuple[str, Style]:
    """Return the character of two pixels, and its style."""
    if upper is None:
        return (LOWER, Style(color=Color.from_rgb(*lower))) if lower else (" ", Style.null())
    if lower is None:
        return UPPER, Style(color=Color.from_rgb(*upper))
    return UPPER, Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))
