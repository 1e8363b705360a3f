"""Images made harder to read, each by a known amount: with noise, turned, in other strokes.

`mlp.data.augment` draws how training images are deformed; these are asked how much a reader bears.
The page computes the same, in ``mlp/web/static/disturb.js``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def add_noise(images: Bytes, deviation: float, rng: np.random.Generator) -> Bytes:
    """Add to each pixel a number from N(0, deviation²), where 1 is ink; keep it from 0 to 1.

    Args:
        images: shape (N, height, width).
        deviation: of the noise, 0 or more.
        rng: draws it.
    """
    noise = rng.standard_normal(images.shape)
    return _bytes(np.clip(images + 255.0 * deviation * noise, 0.0, 255.0))


def turn(images: Bytes, degrees: float) -> Bytes:
    """Turn images clockwise about their middle, with bilinear interpolation; outside is paper.

    Args:
        images: shape (N, height, width).
        degrees: the angle; below 0 counter-clockwise.
    """
    _, H, W = images.shape
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    y, x = np.arange(H)[:, None] - (H - 1) / 2, np.arange(W) - (W - 1) / 2
    rows = np.clip((H - 1) / 2 - s * x + c * y, -1.0, H)  # where each pixel comes from, (H, W)
    columns = np.clip((W - 1) / 2 + c * x + s * y, -1.0, W)
    top, left = np.minimum(np.floor(rows), H - 1), np.minimum(np.floor(columns), W - 1)
    down, right = rows - top, columns - left
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    i, j = top.astype(int) + 1, left.astype(int) + 1
    above = (1.0 - right) * framed[:, i, j] + right * framed[:, i, j + 1]
    below = (1.0 - right) * framed[:, i + 1, j] + right * framed[:, i + 1, j + 1]
    return _bytes((1.0 - down) * above + down * below)


def thicken(images: Bytes, pixels: float) -> Bytes:
    """Make strokes thicker all round, or thinner.

    For each pixel of it, an image becomes the greatest of itself and its four neighbours, or the
    least; for a part of a pixel, it goes a part of that way.

    Args:
        images: shape (N, height, width).
        pixels: by how many; below 0 thinner.
    """
    x, left = images.astype(np.float64), abs(pixels)
    extreme = np.maximum if pixels > 0 else np.minimum
    while left > 0.0:
        framed = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        upright = extreme(framed[:, :-2, 1:-1], framed[:, 2:, 1:-1])
        across = extreme(framed[:, 1:-1, :-2], framed[:, 1:-1, 2:])
        x += min(left, 1.0) * (extreme(extreme(upright, across), x) - x)
        left -= 1.0
    return _bytes(x)


class Disturbance(NamedTuple):
    """A way to make images harder to read."""

    apply: Callable[[Bytes, float, np.random.Generator], Bytes]
    """Disturbs images, shape (N, height, width), by an amount."""
    amounts: tuple[float, ...]
    """Those that are tried, rising, with 0 among them."""
    unit: str
    """What an amount counts."""
    form: str
    """How it is written."""


DISTURBANCES = {
    "noise": Disturbance(
        add_noise, tuple(n / 10 for n in range(11)), "its deviation, 1 for ink", "{:.1f}"
    ),
    "rotation": Disturbance(
        lambda images, degrees, _: turn(images, degrees),
        tuple(range(-90, 91, 15)),
        "degrees clockwise",
        "{:+.0f}",
    ),
    "thickness": Disturbance(
        lambda images, pixels, _: thicken(images, pixels),
        tuple(n / 2 for n in range(-3, 7)),
        "pixels all round",
        "{:+.1f}",
    ),
}


def _bytes(values: NDArray[np.float64]) -> Bytes:
    return np.floor(values + 0.5).astype(np.uint8)  # as JavaScript rounds
