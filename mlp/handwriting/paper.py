"""The sheet that a digit is written on, where the table beside it is in the picture too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.handwriting.components import Labels, connected, parts_of
from mlp.handwriting.filters import Mask, Plane, closing, resize, sliding_max
from mlp.handwriting.ink import otsu

SIDE = 256  # pixels: the resolution at which a sheet is looked for
WRITING = 31  # pixels, at that resolution: strokes are narrower
SMALLEST = 0.05  # of the picture's area
LARGEST = 0.97
SQUARE = 0.6  # of the box around it is sheet, at the least
BRIGHTER = 1.2  # than what is around it
SHARP = 0.5  # of the difference between sheet and table lies in the sheet's edge
INSET = 2  # pixels, at that resolution: how much of the sheet's edge is left out


def find_sheet(picture: NDArray[np.uint8]) -> Mask | None:
    """The pixels of a bright sheet with a sharp edge, or None if there is no such sheet.

    Half of a page that lies in a shadow looks just the same, so what is read on the sheet has to
    be held against what is read on the whole picture.

    Args:
        picture: uint8, shape (height, width, 3).

    Returns:
        bool, shape (height, width), its edge left out.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    # Wood is nearly as bright as paper but not as blue, hence the darkest channel.
    bare = resize(picture.min(axis=2).astype(np.float32), rows, columns, Image.Resampling.BOX)
    bare = closing(bare, WRITING)
    labels = connected(bare > otsu(bare.ravel()))
    sheet = max(parts_of(labels), key=lambda part: part.area, default=None)
    if sheet is None or not SMALLEST * bare.size < sheet.area < LARGEST * bare.size:
        return None
    mask = labels == sheet.labels[0]
    if sheet.area < SQUARE * sheet.box.height * sheet.box.width or not _stands_out(bare, mask):
        return None
    inner = _shrunk(mask, INSET)
    whole = Image.fromarray(inner).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(whole)


def _stands_out(bare: Plane, mask: Mask) -> bool:
    """Whether a region is brighter than the rest, and most of that begins right at its edge."""
    inside, outside = float(np.median(bare[mask])), float(np.median(bare[~mask]))
    rim_inside = mask & ~_shrunk(mask, 3)
    rim_outside = ~mask & ~_shrunk(~mask, 3)
    step = float(np.median(bare[rim_inside]) - np.median(bare[rim_outside]))
    return inside > BRIGHTER * outside and step > SHARP * (inside - outside)


def _shrunk(mask: Mask, margin: int) -> Mask:
    """What of a mask is more than ``margin`` pixels away from the rest of the picture."""
    size = 2 * margin + 1
    return ~sliding_max(sliding_max(~mask, size, 0), size, 1)


def within(labels: Labels, sheet: Mask) -> Labels:
    """The strokes that do not touch the sheet's edge: it would have cut them."""
    edge = sheet & ~_shrunk(sheet, 2)
    return np.where(np.isin(labels, labels[edge]), np.int32(0), labels)
