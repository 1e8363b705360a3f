"""One digit's ink into MNIST's format: a stroke of its width, in its frame, at its middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.handwriting import constants
from mlp.handwriting.components import connected_components, count_components
from mlp.handwriting.filters import Mask, Plane, resize, smooth


def to_mnist_format(soft: Plane) -> tuple[NDArray[np.uint8], Mask]:
    """Draw a digit as MNIST would have it.

    Args:
        soft: float32, shape (height, width): the digit's ink, cropped; 0 is paper, 1 is ink and
            0.5 the edge of a stroke.

    Returns:
        The image, uint8 of shape (28, 28), 0 is paper and 255 is ink; and the digit with its
        stroke width corrected, at `constants.FINE` times that resolution.
    """
    strokes = _with_stroke_width(_enlarge(soft))
    return centre(strokes), strokes


def _with_stroke_width(digit: Mask) -> Mask:
    """Widen or narrow a digit's strokes until they are as wide as MNIST's."""
    # The image is fitted to the digit after its strokes change, so aim for the width in that.
    unit = max(_extent(digit)) / constants.MNIST_DIGIT
    width = stroke_width(digit)
    wanted = float(np.clip(width, constants.THINNEST * unit, constants.THICKEST * unit))
    growth = (wanted - width) / 2
    strokes = move_outline(digit, growth)
    if growth > 0:
        strokes &= ~_lost_loops(digit, strokes, growth)
    if strokes.sum() < constants.LEAST_LEFT * digit.sum():
        return digit
    # Narrowing may break the thinnest strokes; a digit that has some is left as wide as it is.
    return strokes if count_parts(strokes) <= count_parts(digit) else digit


def _lost_loops(digit: Mask, strokes: Mask, growth: float) -> Mask:
    """The middles of loops that wider strokes would close: the small loop of a nine stays one."""
    labels = connected_components(~digit)  # (height, width): outside and each loop
    area = constants.FINE**2  # of a pixel of the image
    is_lost = np.bincount(labels.ravel()) >= constants.LEAST_LOOP * area
    is_lost[labels[~strokes]] = False
    is_lost[0] = False
    middles = np.zeros_like(digit)
    for share in constants.LOOP_CLOSING:  # the widest strokes that leave something of a loop
        if not is_lost.any():
            break
        left = np.where(move_outline(digit, share * growth), 0, labels)
        is_found = np.bincount(left.ravel(), minlength=len(is_lost)) >= area * constants.LOOP_LEFT
        middles |= (is_lost & is_found)[left]
        is_lost &= ~is_found
    return middles


def stroke_width(mask: Mask) -> float:
    """Measure the mean width of strokes, in pixels: twice their area over their outline's length.

    The outline is measured as total variation after a slight blur, which smooths its staircase.

    Args:
        mask: bool, shape (height, width): which pixels are ink.
    """
    padded = np.pad(mask, constants.OUTLINE_MARGIN).astype(np.float32)
    down, across = np.gradient(smooth(padded, constants.OUTLINE_BLUR))
    outline = float(np.hypot(down, across).sum())
    return 2 * float(mask.sum()) / outline if outline else 0.0


def move_outline(mask: Mask, outwards: float) -> Mask:
    """Widen or narrow a shape evenly all round.

    Args:
        mask: bool, shape (height, width).
        outwards: how far its outline moves, in pixels; below 0 inwards.

    Returns:
        The same shape: the pixels whose middle is inside the new outline.
    """
    if outwards >= 0:
        return _within(mask, outwards + 0.5)
    return ~_within(~mask, 0.5 - outwards, closed=False)


def _within(mask: Mask, radius: float, *, closed: bool = True) -> Mask:
    """Which pixels have one of ``mask`` at most, or nearer than, ``radius`` pixels away.

    A disc is as many rods side by side as it is wide: a pixel is in the disc of another if it is
    near enough to that along its column for the number of columns between.
    """
    height, width = mask.shape
    far = height + width
    rows = np.arange(height, dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(mask, rows, np.int32(-far)), axis=0)
    below = np.minimum.accumulate(np.where(mask, rows, np.int32(2 * far))[::-1], axis=0)[::-1]
    along = np.minimum(rows - above, below - rows)  # (height, width)
    near = along <= radius if closed else along < radius
    for aside in range(1, min(width, int(radius) + 1)):
        rest = radius**2 - aside**2
        rod = along <= rest**0.5 if closed else along < rest**0.5
        near[:, aside:] |= rod[:, :-aside]
        near[:, :-aside] |= rod[:, aside:]
    return near


def _enlarge(soft: Plane) -> Mask:
    """The ink as a smooth shape on a board `constants.FINE` times as fine as the image."""
    scale = constants.MNIST_DIGIT * constants.FINE / max(_extent(soft > 0.5))
    height, width = (max(1, round(side * scale)) for side in soft.shape)
    how = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
    fine = np.pad(resize(soft, height, width, how), constants.FINE_MARGIN * constants.FINE)
    sigma = constants.FINE_BLUR * constants.FINE + constants.PIXEL_BLUR * max(scale, 1)
    blurred = smooth(fine, sigma)
    digit = blurred > min(constants.FINE_EDGE, constants.FINE_RIDGE * float(blurred.max()))
    if count_parts(digit) > count_parts(soft > 0.5):
        # A stroke finer than the board's pixels fades in their means: mark all that it touches.
        inked = resize((soft > 0.5).astype(np.float32), height, width, Image.Resampling.BOX) > 0
        digit |= np.pad(inked, constants.FINE_MARGIN * constants.FINE)
    return _cropped(digit)


def _cropped(digit: Mask) -> Mask:
    """Without what is farther from a digit than its strokes may widen."""
    crop = []
    for axis in range(2):
        inked = np.flatnonzero(digit.any(axis=1 - axis))
        margin = constants.FINE_MARGIN * constants.FINE
        crop.append(slice(max(0, inked[0] - margin), inked[-1] + 1 + margin))
    return digit[tuple(crop)]


def count_parts(mask: Mask) -> int:
    """Count the connected components of a mask; diagonal neighbours are connected."""
    return count_components(mask)


def _extent(mask: Mask) -> tuple[int, int]:
    """The height and width of the box around ``mask``, which must not be empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def centre(strokes: Mask) -> NDArray[np.uint8]:
    """Scale to a box of 20 x 20 pixels, antialiased, with the centre of mass mid-image.

    Args:
        strokes: bool, shape (height, width); at least one pixel of it.

    Returns:
        uint8, shape (28, 28).
    """
    rows, columns = np.nonzero(strokes)
    top, left = int(rows.min()), int(columns.min())
    crop = strokes[top : rows.max() + 1, left : columns.max() + 1].astype(np.float32)
    scale = constants.MNIST_DIGIT / max(crop.shape)
    height, width = (max(1, round(side * scale)) for side in crop.shape)
    digit = resize(crop, height, width, Image.Resampling.BOX)
    return place(digit, *corner_of(digit))


def corner_of(digit: Plane) -> tuple[int, int]:
    """Return the row and column of an image from which on a digit has its mass mid-image.

    Args:
        digit: float32, shape (height, width), neither more than 28; some of it above 0.
    """
    mass = float(digit.sum())
    side = constants.MNIST_SIDE
    middle = (side - 1) / 2
    start = []
    for axis, length in enumerate(digit.shape):
        centre = float((digit.sum(axis=1 - axis) @ np.arange(length)) / mass)
        start.append(int(np.clip(round(middle - centre), 0, side - length)))
    return start[0], start[1]


def place(digit: Plane, top: int, left: int) -> NDArray[np.uint8]:
    """Put a digit into an image.

    Args:
        digit: float32, shape (height, width), from 0 for paper to 1 for ink.
        top: the image's row in which it begins.
        left: and its column.

    Returns:
        uint8, shape (28, 28), 0 is paper and 255 is ink.
    """
    height, width = digit.shape
    image = np.zeros((constants.MNIST_SIDE, constants.MNIST_SIDE), np.float32)
    image[top : top + height, left : left + width] = digit
    return (image * 255).round().clip(0, 255).astype(np.uint8)
