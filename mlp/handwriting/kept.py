"""A small digit that is in MNIST's form already keeps its grey values, and its place.

To find its outline on a board six times as fine, correct its strokes there and shrink it again
would only lose what a network was trained on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp.handwriting import constants
from mlp.handwriting.components import ComponentLabels, Part, inked_by
from mlp.handwriting.filters import Mask, Plane, widened
from mlp.handwriting.ink import quantile
from mlp.handwriting.normalise import corner_of, place
from mlp.handwriting.segment import around


def keep(grey: Plane, labels: ComponentLabels, digit: Part) -> NDArray[np.uint8] | None:
    """Take over a digit that has MNIST's size and soft edges, on clean paper.

    Args:
        grey: float32, shape (height, width): brightness from 0 to 255, dark ink on light paper.
        labels: int32, the same shape, from `mlp.handwriting.components.connected_components`.
        digit: the components that make it up.

    Returns:
        The image, uint8 of shape (28, 28), 0 is paper and 255 is ink; None where the digit has
        to be brought to that form.
    """
    if not constants.KEPT_SMALLEST <= digit.box.extent <= constants.KEPT_LARGEST:
        return None
    rows, columns = around(digit.box, constants.KEPT_MARGIN)
    numbers = labels[rows, columns]
    strokes = inked_by(digit.labels, numbers)
    alone = _ink_on_clean_paper(grey[rows, columns], strokes)
    if alone is None:
        return None
    alone[(numbers > 0) & ~strokes] = 0
    if not _is_soft(alone):
        return None
    down, across = np.flatnonzero(alone.any(axis=1)), np.flatnonzero(alone.any(axis=0))
    alone = alone[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
    if max(alone.shape) > constants.MNIST_SIDE:
        return None
    wanted, own = corner_of(alone), (rows.start + int(down[0]), columns.start + int(across[0]))
    off = max(abs(a - b) for a, b in zip(wanted, own, strict=True))
    is_framed = grey.shape == (constants.MNIST_SIDE, constants.MNIST_SIDE)
    return place(alone, *(own if is_framed and off <= constants.KEPT_OFF else wanted))


def _ink_on_clean_paper(grey: Plane, strokes: Mask) -> Plane | None:
    """The share of the paper's light that each pixel takes; None if the paper is not even."""
    paper = grey[~widened(strokes, constants.KEPT_EDGE)]
    level = quantile(paper, 0.5) if paper.size else 0.0
    grain = float(np.abs(paper - level).mean()) if paper.size else 0.0
    if level == 0 or grain > constants.KEPT_CLEAN * level:
        return None
    ink: Plane = np.clip(1 - grey / np.float32(level), 0, 1)
    if grain > 0:  # or the digit would reach to the margin
        ink[ink <= max(constants.KEPT_FAINTEST, constants.KEPT_GRAIN * grain / level)] = 0
    darkest = float(ink.max())
    return ink if darkest > constants.KEPT_BLACK else ink / np.float32(darkest)


def _is_soft(alone: Plane) -> bool:
    """Whether strokes fade into paper over a pixel, as none do that were drawn in black alone."""
    grey = (alone > constants.KEPT_GREY) & (alone < 1 - constants.KEPT_GREY)
    return int(grey.sum()) > constants.KEPT_SOFT * int((alone > 0.5).sum())
