"""What surrounds a digit: printed boxes, and borders such as the table beside its paper."""

from __future__ import annotations

import numpy as np

from mlp.handwriting import constants
from mlp.handwriting.components import (
    Box,
    ComponentLabels,
    Part,
    connected_components,
    inked_by,
    parts_in,
)
from mlp.handwriting.errors import NoDigit
from mlp.handwriting.filters import Mask, Plane, widened
from mlp.handwriting.ink import find_edge


def remove_frames(ink: Plane, edge: float) -> Plane:
    """Remove the ink of upright rectangles that have something inside them.

    A zero is not taken for one: its ink keeps away from the corners of its box, and nothing stands
    in its middle.

    Args:
        ink: float32, shape (height, width).
        edge: the level of ink at which a stroke begins.
    """
    mask = ink > constants.FRAME_EDGE * edge
    parts = parts_in(mask, constants.FRAME_SMALLEST * min(ink.shape))
    if len(parts) < 2:  # a frame, and what it holds
        return ink
    labels = connected_components(mask)
    frames = [part for part in parts if _is_frame(labels, part, parts)]
    if not frames:
        return ink
    numbers = [number for frame in frames for number in frame.labels]
    return _remove(ink, inked_by(numbers, labels))


def remove_borders(ink: Plane) -> tuple[Plane, float]:
    """Remove what reaches in from the picture's edge, such as a strip of a dark table.

    Beside one a pencil would look too faint to be ink. A digit that was cropped too tightly
    reaches the edge as well, so the ink is left as it is if nothing else stands on the page.

    Args:
        ink: float32, shape (height, width).

    Returns:
        The ink that is left, and its edge; see `mlp.handwriting.ink.find_edge`.

    Raises:
        NoDigit: if there is no ink.
    """
    edge = find_edge(ink)
    mask = ink > edge
    if not any(side.any() for side in _sides(mask)):
        return ink, edge
    labels = connected_components(mask)
    down, across = (round(constants.BORDER_DEPTH * side) for side in ink.shape)
    is_outer = np.zeros(int(labels.max()) + 1, bool)
    for side in _sides(labels):
        is_outer[side] = True
    is_outer[labels[down:-down, across:-across]] = False
    is_outer[0] = False
    rest = _remove(ink, is_outer[labels])
    of_rest = _edge_of_a_digit(rest)
    return (ink, edge) if of_rest is None else (rest, of_rest)


def find_panel(mask: Mask) -> Box | None:
    """Find the solid rectangle that a shape is, if paper shows in its middle alone.

    A chart's dark panel with a light digit in it is one; no digit inks the whole rim of its box.

    Args:
        mask: bool, shape (height, width): the shape, which may have ticks at its sides.

    Returns:
        What is inside its rim; None if it is no such rectangle.
    """
    rows, columns = (np.flatnonzero(mask.mean(axis=a) > constants.PANEL_ROW) for a in (1, 0))
    if not len(rows) or not len(columns):
        return None
    top, left = int(rows[0]), int(columns[0])
    panel = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    height, width = panel.shape
    rim = max(1, round(constants.PANEL_RIM * min(height, width)))
    middle = panel[rim:-rim, rim:-rim]
    whole = min(height / mask.shape[0], width / mask.shape[1])
    slim = width < constants.PANEL_SLIMMEST * height
    if middle.size == 0 or slim or whole < constants.PANEL_WHOLE:
        return None
    solid = float(panel.sum() - middle.sum()) / (panel.size - middle.size)
    bare = 1 - float(middle.mean())
    if solid < constants.PANEL_SOLID or not constants.PANEL_LEAST < bare < constants.PANEL_MOST:
        return None
    return Box(rim, rim, height - rim, width - rim).moved(top, left)


def _edge_of_a_digit(ink: Plane) -> float | None:
    """The ink's edge; None unless something as large as a digit stands clear of the picture's."""
    try:
        edge = find_edge(ink)
    except NoDigit:
        return None
    height, width = ink.shape
    for part in parts_in(ink > edge, constants.SMALLEST_DIGIT * max(ink.shape)):
        box = part.box
        if box.top > 0 and box.left > 0 and box.bottom < height and box.right < width:
            return edge
    return None


def _sides(plane: Mask | ComponentLabels) -> list[Mask | ComponentLabels]:
    """The first and the last row and column."""
    return [plane[0], plane[-1], plane[:, 0], plane[:, -1]]


def _is_frame(labels: ComponentLabels, part: Part, parts: list[Part]) -> bool:
    """Whether a part is four sides around an empty band that hold another part."""
    box = part.box
    mask = labels[box.top : box.bottom, box.left : box.right] == part.labels[0]
    down, across = (max(1, round(constants.FRAME_BAND * side)) for side in mask.shape)
    middle = mask[down:-down, across:-across]
    if middle.size == 0 or middle.any():
        return False
    sides = mask[:, :across], mask[:, -across:], mask[:down].T, mask[-down:].T
    if min(float(side.any(axis=1).mean()) for side in sides) < constants.FRAME_CLOSED:
        return False
    return any(_holds(box, other.box) for other in parts if other is not part)


def _holds(frame: Box, other: Box) -> bool:
    within = (frame | other) == frame
    return within and other.extent >= constants.FRAME_FILLED * frame.height


def _remove(ink: Plane, mask: Mask) -> Plane:
    """The ink without the pixels of ``mask`` and those around it, where its soft edge is."""
    return np.where(widened(mask, constants.SOFT_EDGE), np.float32(0), ink)
