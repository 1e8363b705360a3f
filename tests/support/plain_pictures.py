"""Pictures as simple as they come: straight bars on white, and pages of one or two flat colours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

Picture = np.ndarray


def bars(count: int, seed: int = 0) -> Iterator[Picture]:
    """Straight ones on white, uint8 of shape (40, 40) or (60, 60): upright, or a little aslant."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        side = (40, 60)[number % 2]
        width = int(rng.integers(1, side // 8))
        height = int(rng.integers(side // 2, side - 6))
        left, top = (side - width) // 2 + int(rng.integers(-3, 4)), (side - height) // 2
        page = Image.new("L", (side, side), 255)
        ImageDraw.Draw(page).rectangle((left, top, left + width, top + height), fill=0)
        if number % 3 == 0:
            how = Image.Resampling.BICUBIC if number % 2 else Image.Resampling.NEAREST
            page = page.rotate(float(rng.uniform(-8, 8)), how, fillcolor=255)
        yield np.asarray(page)


def flat_pictures(count: int, seed: int = 0) -> Iterator[Picture]:
    """Pages of any small size in one colour, some with a rectangle or two of others."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        height, width = rng.integers(1, 90, 2)
        page = Image.new("RGB", (int(width), int(height)), _colour(rng))
        draw = ImageDraw.Draw(page)
        for _ in range(number % 3):
            x, y = sorted(rng.integers(-5, 90, 2)), sorted(rng.integers(-5, 90, 2))
            draw.rectangle((int(x[0]), int(y[0]), int(x[1]), int(y[1])), fill=_colour(rng))
        yield np.asarray(page)


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue
