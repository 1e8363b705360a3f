"""Printed boxes and borders around a digit."""

from __future__ import annotations

import numpy as np

from mlp.handwriting.filters import Mask, Plane, sliding_max
from mlp.handwriting.regions import Box, Part, connected, parts_of

SMALLEST = 0.15  # of the picture's shorter side: what is smaller frames no digit
BAND = 0.12  # of a frame's side: all its ink is this near to its four sides
CLOSED = 0.8  # of each side must be there
FILLED = 0.15  # of a frame's height: what it holds is no smaller


def without_frames(ink: Plane, edge: float) -> Plane:
    """Take off the ink of upright rectangles that have something inside them.

    A zero's ink keeps away from the corners of its box, and nothing stands in its middle.

    Args:
        ink: float32, shape (height, width).
        edge: the level of ink at which a stroke begins.
    """
    labels = connected(ink > 0.7 * edge)  # so low that a frame is whole
    parts = parts_of(labels, SMALLEST * min(ink.shape))
    frames = [part for part in parts if _is_frame(labels == part.labels[0], part, parts)]
    if not frames:
        return ink
    numbers = [number for frame in frames for number in frame.labels]
    return np.where(_grown(np.isin(labels, numbers)), np.float32(0), ink)


def _is_frame(mask: Mask, part: Part, parts: list[Part]) -> bool:
    box = part.box
    mask = mask[box.top : box.bottom, box.left : box.right]
    down, across = (max(1, round(BAND * side)) for side in mask.shape)
    middle = mask[down:-down, across:-across]
    if middle.size == 0 or middle.any():
        return False
    sides = mask[:, :across], mask[:, -across:], mask[:down].T, mask[-down:].T
    if min(float(side.any(axis=1).mean()) for side in sides) < CLOSED:
        return False
    return any(_holds(box, other.box) for other in parts if other is not part)


def _holds(frame: Box, other: Box) -> bool:
    within = (frame | other) == frame
    return within and other.extent >= FILLED * frame.height


def _grown(mask: Mask) -> Mask:
    """The mask and what is within two pixels of it, where a frame's soft edge is."""
    return sliding_max(sliding_max(mask, 5, 0), 5, 1)
