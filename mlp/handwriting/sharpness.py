"""Ink has a steep outline all the way round; the edge of a shadow, stains and grain have not."""

from __future__ import annotations

import numpy as np
from PIL import Image

from mlp.handwriting import constants
from mlp.handwriting.components import ComponentLabels, Part, inked_by
from mlp.handwriting.filters import Mask, Plane, bordered, edged, resize, slope, widened
from mlp.handwriting.ink import quantile
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
    grain = _grain(grey, inked_by([number for digit in digits for number in digit.labels], labels))
    return [_steepness(grey, labels, digit, scale) / (1 + grain) for digit in digits]


def _grain(grey: Plane, ink: Mask) -> float:
    """The paper's usual slope, away from strokes: a blurred edge is none of its grain."""
    paper = ~widened(ink, constants.GRAIN_MARGIN)
    down, across = slope(edged(grey, 1, 0), 0)[1:-1], slope(edged(grey, 1, 1), 1)[:, 1:-1]
    steepness = np.hypot(down, across)  # (height, width)
    is_shown = np.count_nonzero(paper) >= constants.GRAIN_PAPER * paper.size
    return quantile(steepness[paper] if is_shown else steepness, 0.5)


def _shrink(grey: Plane, labels: ComponentLabels, scale: float) -> tuple[Plane, ComponentLabels]:
    if scale == 1:
        return grey, labels
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
    mask = bordered(inked_by(digit.labels, labels[rows, columns]).astype(np.float32), 2)
    down, across = slope(mask, 0), slope(mask, 1)
    edge: Plane = np.hypot(down, across)
    outline = edge > 0
    if not outline.any():
        return 0.0
    brightness = edged(edged(grey[rows, columns], 2, 0), 2, 1)
    gained: Plane = -(down * slope(brightness, 0) + across * slope(brightness, 1))[outline]
    softest = quantile(gained / edge[outline], constants.SHARP_QUANTILE)
    length = scale * float(edge.sum())
    return softest * min(1.0, length / (constants.SHARP_OUTLINE * digit.box.extent))
