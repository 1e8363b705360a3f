"""The paper on a table, if the picture shows both."""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.handwriting import constants
from mlp.handwriting.components import (
    ComponentLabels,
    connected_components,
    inked_by,
    parts_in,
)
from mlp.handwriting.filters import Mask, Plane, closing, resize, widened
from mlp.handwriting.ink import otsu, quantile


def find_paper(picture: NDArray[np.uint8]) -> Mask | None:
    """Find bright paper with a sharp edge.

    The lit half of a page that lies in a shadow looks just the same, so what is found on the paper
    has to be compared with what is found in the whole picture.

    Args:
        picture: uint8, shape (height, width, 3).

    Returns:
        Which pixels are paper, its edge left out: bool, shape (height, width). None if there is no
        such paper, or it is so narrow that nothing is left of it.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, constants.PAPER_SIDE / max(height, width))
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    # Wood is nearly as bright as paper but not as blue, hence the darkest channel.
    darkest = reduce(np.minimum, picture.transpose(2, 0, 1)).astype(np.float32)
    bare = resize(darkest, rows, columns, Image.Resampling.BOX)
    bare = closing(bare, 2 * constants.PAPER_STROKE + 1)
    mask = _largest_bright_part(bare)
    if mask is None or not _stands_out(bare, mask):
        return None
    inner = _shrunk(mask, constants.PAPER_INSET)
    whole = np.asarray(Image.fromarray(inner).resize((width, height), Image.Resampling.NEAREST))
    return whole if whole.any() else None


def _largest_bright_part(bare: Plane) -> Mask | None:
    """Return the largest bright component, if it has the size and the shape of paper."""
    bright = bare > otsu(bare.ravel())
    smallest, largest = (
        share * bare.size for share in (constants.PAPER_SMALLEST, constants.PAPER_LARGEST)
    )
    if np.count_nonzero(bright) <= smallest or bright.all():
        return None
    paper = max(parts_in(bright), key=lambda part: part.area)
    square = constants.PAPER_SQUARE * paper.box.height * paper.box.width
    if not smallest < paper.area < largest or paper.area < square:
        return None
    return inked_by(paper.labels, connected_components(bright))


def _stands_out(bare: Plane, mask: Mask) -> bool:
    """Whether the paper is brighter than the rest, and most of that begins right at its edge."""
    inside, outside = quantile(bare[mask], 0.5), quantile(bare[~mask], 0.5)
    if inside <= constants.PAPER_BRIGHTER * outside:
        return False
    rim_inside = mask & ~_shrunk(mask, constants.PAPER_RIM)
    rim_outside = ~mask & ~_shrunk(~mask, constants.PAPER_RIM)
    step = quantile(bare[rim_inside], 0.5) - quantile(bare[rim_outside], 0.5)
    return step > constants.PAPER_SHARP * (inside - outside)


def _shrunk(mask: Mask, margin: int) -> Mask:
    """The pixels of a mask that are more than ``margin`` pixels away from its outside."""
    return ~widened(~mask, margin)


def drop_cut_strokes(labels: ComponentLabels, paper: Mask) -> ComponentLabels:
    """Remove the strokes that touch the paper's edge, which may have cut them.

    Args:
        labels: int32, shape (height, width), from :func:`connected_components`.
        paper: bool, the same shape, from :func:`find_paper`.

    Returns:
        int32, the same shape: the labels, with 0 where such strokes were.
    """
    edge = paper & ~_shrunk(paper, constants.PAPER_CUT)
    return np.where(np.isin(labels, labels[edge]), np.int32(0), labels)
