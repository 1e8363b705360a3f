"""One digit written otherwise: what a sure reading does not hang on.

A digit stays what it is if the pen were finer, the hand upright, the writing narrower or wider. So
a network is asked of these as well, and an answer that changes is not sure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.handwriting import constants
from mlp.handwriting.filters import Mask, sliding_max
from mlp.handwriting.normalise import centre, count_parts


def draw_views(strokes: Mask) -> NDArray[np.uint8]:
    """Draw a digit with a finer pen, upright, narrower, and wider.

    Args:
        strokes: bool, shape (height, width): the digit, its stroke width corrected, at
            `constants.FINE` times MNIST's resolution; at least one pixel of it.

    Returns:
        Images in MNIST's format, uint8 of shape (4, 28, 28), in this order.
    """
    slant = float(np.clip(slant_of(strokes), -constants.VIEW_SLANT, constants.VIEW_SLANT))
    masks = (
        _thinned(strokes),
        _drawn(strokes, shear=-slant),
        _drawn(strokes, stretch=1 / constants.VIEW_STRETCH),
        _drawn(strokes, stretch=constants.VIEW_STRETCH),
    )
    return np.array([centre(mask if mask.any() else strokes) for mask in masks])


def slant_of(strokes: Mask) -> float:
    """Measure how far a digit leans to the right, in pixels for each pixel upwards.

    It is the regression of the columns on the rows of its pixels; of MNIST's digits 0.1 to 0.3.
    """
    rows, columns = (places - places.mean() for places in np.nonzero(strokes))
    return -float(rows @ columns) / max(float(rows @ rows), 1.0)


def _thinned(strokes: Mask) -> Mask:
    """Take one pixel of the drawing board off all round; nothing where a stroke would break."""
    thin = ~sliding_max(sliding_max(~strokes, 3, 0), 3, 1)
    return thin if thin.any() and count_parts(thin) <= count_parts(strokes) else strokes


def _drawn(strokes: Mask, shear: float = 0.0, stretch: float = 1.0) -> Mask:
    """Move each row to the right by ``shear`` pixels for each pixel upwards, and stretch rows."""
    height, width = strokes.shape
    wide = round(width * stretch + abs(shear) * height) + 2
    # Pillow asks for the way back: x = across * x' + aslant * y' + start.
    across, aslant = 1 / stretch, shear
    start = width / 2 - across * wide / 2 - aslant * height / 2
    drawn = Image.fromarray(strokes.astype(np.float32)).transform(
        (wide, height),
        Image.Transform.AFFINE,
        (across, aslant, start, 0, 1, 0),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(drawn) > 0.5
