"""What surrounds a digit: printed boxes and borders, and the table beside its sheet."""

from __future__ import annotations

import numpy as np

from mlp.handwriting.components import Box, Labels, Part, connected, parts_of
from mlp.handwriting.errors import NothingToRead
from mlp.handwriting.filters import Mask, Plane, sliding_max
from mlp.handwriting.ink import find_edge
from mlp.handwriting.segment import SMALLEST as SMALLEST_DIGIT

SMALLEST = 0.15  # of the picture's shorter side: what is smaller frames no digit
BAND = 0.12  # of a frame's side: all its ink is this near to its four sides
CLOSED = 0.8  # of each side must be there
MIDDLE = 0.25  # of the picture's sides: what is farther in than this is no strip of the table
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


def without_borders(ink: Plane) -> Plane:
    """Take off what reaches in from the picture's edge: beside a dark table a pencil is faint.

    A digit that was cropped too tightly reaches the edge as well, so something that does not has
    to be left.

    Args:
        ink: float32, shape (height, width).

    Raises:
        NothingToRead: if there is no ink.
    """
    mask = ink > find_edge(ink)
    if not any(side.any() for side in _sides(mask)):
        return ink
    labels = connected(mask)
    down, across = (round(MIDDLE * side) for side in ink.shape)
    inner = np.unique(labels[down:-down, across:-across])
    outer = np.setdiff1d(np.concatenate(_sides(labels)), inner)
    rest = np.where(_grown(np.isin(labels, outer[outer > 0])), np.float32(0), ink)
    try:
        left = connected(rest > find_edge(rest))
    except NothingToRead:
        return ink
    cut = np.unique(np.concatenate(_sides(left)))
    smallest = max(ink.shape) / SMALLEST_DIGIT
    clear = any(part.labels[0] not in cut for part in parts_of(left, smallest))
    return rest if clear else ink


def _sides(plane: Mask | Labels) -> list[Mask | Labels]:
    """The four outermost lines of pixels."""
    return [plane[0], plane[-1], plane[:, 0], plane[:, -1]]


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
