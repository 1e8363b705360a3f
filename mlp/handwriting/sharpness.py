"""Ink has a steep outline all the way round; the edge of a shadow, stains and grain have not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.handwriting.components import Labels, Part
from mlp.handwriting.filters import Plane, resize
from mlp.handwriting.segment import around

STROKE = 3.0  # pixels: a wider pen is measured on a copy in which it is this wide


def clarities(grey: Plane, labels: Labels, digits: list[Part], stroke: float) -> list[float]:
    """How sharply each digit stands out from its paper, as a multiple of the paper's own grain.

    Wide strokes are looked at from farther off, where a blurred outline is steep again and the
    grain of a dark photo is averaged.

    Args:
        grey: float32, shape (height, width): brightness, best in the light that the pen swallows.
        labels: int32, the same shape, from :func:`connected`.
        digits: parts of them.
        stroke: how wide the pen is, in pixels.
    """
    scale = max(1.0, stroke / STROKE)
    grey, labels = _from_afar(grey, labels, scale)
    grain = float(np.median(np.hypot(*_slope(grey))))
    return [_steepness(grey, labels, digit, scale) / (1 + grain) for digit in digits]


def _from_afar(grey: Plane, labels: Labels, scale: float) -> tuple[Plane, Labels]:
    height, width = (max(1, round(side / scale)) for side in grey.shape)
    numbers = Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST)
    return resize(grey, height, width, Image.Resampling.BOX), np.asarray(numbers)


def _steepness(grey: Plane, labels: Labels, digit: Part, scale: float) -> float:
    """The brightness gained in crossing a digit's outline, a pixel.

    It is taken at the quarter of the outline where it is least: shadows, and paper that is hemmed
    in by strokes, have an edge on some sides only, and nothing is gained where the picture ends.
    It counts for less in a shape whose outline is as short as that of the hole in a zero.
    """
    rows, columns = around(digit.box.shrunk(scale), 3)
    mask = np.isin(labels[rows, columns], digit.labels).astype(np.float32)
    inward = _slope(np.pad(mask, 1))
    edge = np.hypot(*inward)
    outline = edge > 0
    if not outline.any():
        return 0.0
    brightness = np.pad(grey[rows, columns], 1, mode="edge")
    gained = -(inward * _slope(brightness)).sum(axis=0)[outline]
    least = float(np.quantile(gained / edge[outline], 0.25))
    return least * min(1.0, scale * float(edge.sum()) / (4 * digit.box.extent))


def _slope(plane: Plane) -> NDArray[np.float32]:
    """How much ``plane`` rises downwards and to the right; shape (2, height + 2, width + 2)."""
    return np.array(np.gradient(np.pad(plane, 1, mode="edge")), np.float32)
