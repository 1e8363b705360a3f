"""One digit's ink into MNIST's form: a stroke of its width, in its frame, at its middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.handwriting.filters import Mask, Plane, resize, smooth

FRAME = 28  # pixels, each way, of an MNIST picture
DIGIT = 20  # the longer side of the digit in it; LeCun et al., 1998, section III.A
FINE = 6  # pixels of the drawing board to one of the frame's
THINNEST, THICKEST = 2.0, 2.7  # stroke width in the frame's pixels that MNIST's digits have


def mnist_form(soft: Plane) -> tuple[NDArray[np.uint8], Mask]:
    """Draw a digit as MNIST would have it.

    Args:
        soft: float32, shape (height, width): the digit's ink, cropped; 0 is paper, 1 is ink and
            0.5 the edge of a stroke.

    Returns:
        uint8 of shape (28, 28), 0 is paper and 255 is ink; and the digit at ``FINE`` times that
        resolution, with its stroke width mended, of any shape.
    """
    fine = _enlarge(soft)
    distance = signed_distance(fine)
    width = stroke_width(fine)
    # The frame is fitted to the digit after its strokes change, so aim for the width in that.
    extent = max(_extent(fine))
    unit = extent / DIGIT
    wanted = float(np.clip(width, THINNEST * unit, THICKEST * unit))
    strokes = distance <= (wanted - width) / 2
    if strokes.sum() < 0.2 * fine.sum():
        strokes = fine
    return _frame(strokes), strokes


def stroke_width(mask: Mask) -> float:
    """The mean width of strokes, in pixels: twice their area over the length of their outline.

    The outline is measured as total variation after a slight blur, which knows no staircase.
    """
    shape = smooth(np.pad(mask, 4).astype(np.float32), 1.0)
    down, across = np.gradient(shape)
    outline = float(np.hypot(down, across).sum())
    return 2 * float(mask.sum()) / outline if outline else 0.0


def signed_distance(mask: Mask) -> Plane:
    """The distance from each pixel to the outline of ``mask``, below 0 inside it, in pixels."""
    return (_distance(mask) - _distance(~mask) + np.where(mask, 0.5, -0.5)).astype(np.float32)


def _distance(mask: Mask) -> Plane:
    """The Euclidean distance from each pixel to the nearest inside ``mask``.

    Along columns, then along rows; Felzenszwalb & Huttenlocher, Distance Transforms of Sampled
    Functions (2012), with its lower envelope taken by brute force, as the shapes are small.
    """
    far = np.float32(sum(mask.shape))
    squared = np.where(mask, np.float32(0), far**2)
    for _ in range(2):
        at = np.arange(len(squared), dtype=np.float32)
        gaps = (at[:, None] - at) ** 2  # (height, height)
        squared = (gaps[:, :, None] + squared).min(axis=1).T  # swap axes, twice in all
    return np.sqrt(squared)


def _enlarge(soft: Plane) -> Mask:
    """The ink as a smooth shape whose longer side is ``DIGIT * FINE`` pixels, with a margin."""
    rows, columns = _extent(soft > 0.5)
    scale = DIGIT * FINE / max(rows, columns)
    height, width = (max(1, round(side * scale)) for side in soft.shape)
    how = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
    fine = resize(soft, height, width, how)
    margin = FINE * 4
    # A blur lowers the ridge of a stroke as narrow as itself, hence less than one half.
    blurred = smooth(np.pad(fine, margin), 0.25 * FINE + 0.3 * max(scale, 1))
    return blurred > min(0.35, 0.5 * float(blurred.max()))


def _extent(mask: Mask) -> tuple[int, int]:
    """The height and width of the box around ``mask``, which must not be empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def _frame(strokes: Mask) -> NDArray[np.uint8]:
    """Scale to a box of 20 x 20 pixels, antialiased, with the centre of mass mid-frame."""
    rows, columns = np.nonzero(strokes)
    top, left = int(rows.min()), int(columns.min())
    crop = strokes[top : rows.max() + 1, left : columns.max() + 1].astype(np.float32)
    scale = DIGIT / max(crop.shape)
    height, width = (max(1, round(side * scale)) for side in crop.shape)
    digit = resize(crop, height, width, Image.Resampling.BOX)
    mass = float(digit.sum())
    frame = np.zeros((FRAME, FRAME), np.float32)
    middle = (FRAME - 1) / 2
    start = []
    for axis, side in enumerate(digit.shape):
        centre = float((digit.sum(axis=1 - axis) @ np.arange(side)) / mass)
        start.append(int(np.clip(round(middle - centre), 0, FRAME - side)))
    frame[start[0] : start[0] + height, start[1] : start[1] + width] = digit
    return (frame * 255).round().clip(0, 255).astype(np.uint8)
