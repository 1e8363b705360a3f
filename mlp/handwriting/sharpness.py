"""Ink has a steep outline all the way round; the edge of a shadow, stains and grain have not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.handwriting import constants
from mlp.handwriting.components import ComponentLabels, Part
from mlp.handwriting.filters import Mask, Plane, resize, sliding_max
from mlp.handwriting.segment import around


def measure_sharpness(
    grey: Plane, labels: ComponentLabels, digits: list[Part], pen: float
) -> list[float]:
    """Measure how sharply each digit stands out from its paper, over the paper's own grain.

    Wide strokes are measured on a smaller copy, where a blurred outline is steep again and the
    grain of a dark photo is averaged.

    Args:
        grey: float32, shape (height, width): brightness, best in the light that the pen absorbs.
        labels: int32, the same shape, from :func:`connected_components`.
        digits: parts of them.
        pen: how wide the pen is, in pixels.

    Returns:
        The sharpness of each digit.
    """
    scale = max(1.0, pen / constants.SHARP_STROKE)
    grey, labels = _shrink(grey, labels, scale)
    grain = _grain(grey, np.isin(labels, [number for digit in digits for number in digit.labels]))
    return [_steepness(grey, labels, digit, scale) / (1 + grain) for digit in digits]


def _grain(grey: Plane, ink: Mask) -> float:
    """The paper's usual slope, away from strokes: a blurred edge is none of its grain."""
    size = 2 * constants.GRAIN_MARGIN + 1
    paper = ~sliding_max(sliding_max(ink, size, 0), size, 1)
    slope = np.hypot(*_slope(grey))[1:-1, 1:-1]  # (height, width)
    return float(np.median(slope[paper] if paper.mean() >= constants.GRAIN_PAPER else slope))


def _shrink(grey: Plane, labels: ComponentLabels, scale: float) -> tuple[Plane, ComponentLabels]:
    height, width = (max(1, round(side / scale)) for side in grey.shape)
    numbers = Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST)
    return resize(grey, height, width, Image.Resampling.BOX), np.asarray(numbers)


def _steepness(grey: Plane, labels: ComponentLabels, digit: Part, scale: float) -> float:
    """The levels of brightness gained per pixel in crossing a digit's outline.

    It is taken at the quarter of the outline where it is least: shadows, and paper that strokes
    enclose, have an edge on some sides only, and nothing is gained where the picture ends. It
    counts for less in a shape whose outline is as short as that of the hole in a zero.
    """
    rows, columns = around(digit.box.shrunk(scale), constants.SHARP_MARGIN)
    mask = np.isin(labels[rows, columns], digit.labels).astype(np.float32)
    inward = _slope(np.pad(mask, 1))
    edge = np.hypot(*inward)
    outline = edge > 0
    if not outline.any():
        return 0.0
    brightness = np.pad(grey[rows, columns], 1, mode="edge")
    gained = -(inward * _slope(brightness)).sum(axis=0)[outline]
    softest = float(np.quantile(gained / edge[outline], constants.SHARP_QUANTILE))
    length = scale * float(edge.sum())
    return softest * min(1.0, length / (constants.SHARP_OUTLINE * digit.box.extent))


def _slope(plane: Plane) -> NDArray[np.float32]:
    """How much ``plane`` rises downwards and to the right; shape (2, height + 2, width + 2)."""
    return np.array(np.gradient(np.pad(plane, 1, mode="edge")), np.float32)
