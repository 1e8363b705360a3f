"""One digit written otherwise: what a sure reading does not hang on.

A digit stays what it is if the pen were finer, the hand upright, the writing narrower or wider. So
a network is asked of these as well, and an answer that changes is not sure.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mlp.handwriting import constants
from mlp.handwriting.filters import Mask, widened
from mlp.handwriting.normalise import centre, falls_apart


def draw_views(strokes: Mask) -> NDArray[np.uint8]:
    """Draw a digit with a finer pen, upright, narrower, and wider.

    Args:
        strokes: bool, shape (height, width): the digit, its stroke width corrected, at
            `constants.FINE` times MNIST's resolution; at least one pixel of it.

    Returns:
        Images in MNIST's format, uint8 of shape (4, 28, 28), in this order.
    """
    slant = min(max(slant_of(strokes), -constants.VIEW_SLANT), constants.VIEW_SLANT)
    masks = (
        _thinned(strokes),
        _sheared(strokes, -slant),
        _stretched(strokes, 1 / constants.VIEW_STRETCH),
        _stretched(strokes, constants.VIEW_STRETCH),
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
    thin = ~widened(~strokes, 1)
    return thin if thin.any() and not falls_apart(thin, strokes) else strokes


def _sheared(strokes: Mask, shear: float) -> Mask:
    """Move each row to the right by ``shear`` pixels for each pixel upwards."""
    height, width = strokes.shape
    wide = round(width + abs(shear) * height) + 2
    # What stands at the middle of a row's first pixel, as a place in the row that it is drawn from.
    places = 0.5 + shear * (np.arange(height) + 0.5) + ((width - wide) / 2 - shear * height / 2)
    margin = ceil(abs(shear) * height) + 3
    board = np.zeros((height, width + 2 * margin), bool)
    board[:, margin : margin + width] = strokes
    rows, (left, to_left, to_right) = np.arange(height), _between(places[:, None])
    from_left = sliding_window_view(board, wide, axis=1)  # (height, columns, wide)
    one, other = (from_left[rows, left[:, 0] + margin + beside] for beside in (0, 1))
    drawn: Mask = (one | to_right) & (other | to_left)
    return drawn


def _stretched(strokes: Mask, stretch: float) -> Mask:
    """Draw a digit ``stretch`` times as wide."""
    height, width = strokes.shape
    wide = round(width * stretch) + 2
    across = 1 / stretch
    places = across * (np.arange(wide) + 0.5) + (width / 2 - across * wide / 2)
    margin = ceil(across) + 2
    board = np.zeros((height, width + 2 * margin), bool)
    board[:, margin : margin + width] = strokes
    left, to_left, to_right = _between(places)
    one, other = (board.take(left + margin + beside, axis=1) for beside in (0, 1))
    drawn: Mask = (one | to_right) & (other | to_left)
    return drawn


def _between(places: NDArray[np.float64]) -> tuple[NDArray[np.int_], Mask, Mask]:
    """Tell which pixels of a row places lie between, of which k stands at k + 0.5.

    Bilinear interpolation of ink and paper is more than half ink where the nearer pixel is, and
    midway between two where both are.

    Returns:
        The left one of both, and whether it is the nearer; whether the right one is.
    """
    left = np.floor(places - 0.5)
    beyond = places - 0.5 - left
    near_left, near_right = (share.astype(np.float32) > 0.5 for share in (1 - beyond, beyond))
    return left.astype(np.intp), near_left, near_right
