"""One digit's ink into MNIST's format: a stroke of its width, in its frame, at its middle."""

from __future__ import annotations

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.handwriting import constants
from mlp.handwriting.components import connected_components, count_components
from mlp.handwriting.filters import Mask, Plane, bordered, resize, slope, smooth


def to_mnist_format(
    soft: Plane, kept: NDArray[np.uint8] | None = None
) -> tuple[NDArray[np.uint8], Mask]:
    """Draw a digit as MNIST would have it.

    Args:
        soft: float32, shape (height, width): the digit's ink, cropped; 0 is paper, 1 is ink and
            0.5 the edge of a stroke.
        kept: its image, where that is known already; see `mlp.handwriting.kept`.

    Returns:
        The image, uint8 of shape (28, 28), 0 is paper and 255 is ink; and the digit with its
        stroke width corrected, at `constants.FINE` times that resolution.
    """
    strokes = _with_stroke_width(_enlarge(soft))
    return (centre(strokes) if kept is None else kept), strokes


def _with_stroke_width(digit: Mask) -> Mask:
    """Widen or narrow a digit's strokes until they are as wide as MNIST's."""
    # The image is fitted to the digit after its strokes change, so aim for the width in that.
    unit = max(_extent(digit)) / constants.MNIST_DIGIT
    width = stroke_width(digit)
    wanted = min(max(width, constants.THINNEST * unit), constants.THICKEST * unit)
    growth = (wanted - width) / 2
    if growth == 0:
        return digit
    strokes = move_outline(digit, growth)
    if growth > 0:
        strokes &= ~_lost_loops(digit, strokes, growth)
    elif np.count_nonzero(strokes) < constants.LEAST_LEFT * np.count_nonzero(digit):
        return digit
    # Narrowing may break the thinnest strokes; a digit that has some is left as wide as it is.
    return digit if falls_apart(strokes, digit) else strokes


def _lost_loops(digit: Mask, strokes: Mask, growth: float) -> Mask:
    """The middles of loops that wider strokes would close: the small loop of a nine stays one."""
    near = _around(digit, ceil(growth) + 2)  # where there are loops, and some of the outside
    digit, strokes, board = digit[near], strokes[near], digit
    labels = connected_components(~digit)  # (rows, columns): outside and each loop
    area = constants.FINE**2  # of a pixel of the image
    is_lost = np.bincount(labels.ravel()) >= constants.LEAST_LOOP * area
    middles = np.zeros_like(board)
    if len(is_lost) == 2:  # there is none
        return middles
    is_lost &= np.bincount(np.where(strokes, 0, labels).ravel(), minlength=len(is_lost)) == 0
    is_lost[0] = False
    for share in constants.LOOP_CLOSING:  # the widest strokes that leave something of a loop
        if not is_lost.any():
            break
        left = np.where(move_outline(digit, share * growth), 0, labels)
        is_found = np.bincount(left.ravel(), minlength=len(is_lost)) >= area * constants.LOOP_LEFT
        middles[near] |= (is_lost & is_found)[left]
        is_lost &= ~is_found
    return middles


def stroke_width(mask: Mask) -> float:
    """Measure the mean width of strokes, in pixels: twice their area over their outline's length.

    The outline is measured as total variation after a slight blur, which smooths its staircase.

    Args:
        mask: bool, shape (height, width): which pixels are ink.
    """
    shape = bordered(mask.astype(np.float32), constants.OUTLINE_MARGIN)
    blurred = smooth(shape, constants.OUTLINE_BLUR)
    outline = float(np.hypot(slope(blurred, 0), slope(blurred, 1)).sum())
    return 2 * float(np.count_nonzero(mask)) / outline if outline else 0.0


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

    A disc is as many upright rods side by side as it is wide, from the shortest at its rim to the
    longest through its middle; each is the one before it, grown at both ends.
    """
    width = mask.shape[1]
    near, rod, length = np.zeros_like(mask), mask.copy(), 0
    for aside in range(min(width - 1, int(radius)), -1, -1):
        rest = (radius**2 - aside**2) ** 0.5 if aside else radius
        reach = floor(rest) if closed else ceil(rest) - 1
        if reach < 0:
            continue
        while length < reach:
            length += 1
            rod[length:] |= mask[:-length]
            rod[:-length] |= mask[length:]
        near[:, aside:] |= rod[:, : width - aside]
        near[:, : width - aside] |= rod[:, aside:]
    return near


def _enlarge(soft: Plane) -> Mask:
    """The ink as a smooth shape on a board `constants.FINE` times as fine as the image."""
    scale = constants.MNIST_DIGIT * constants.FINE / max(_extent(soft > 0.5))
    height, width = (max(1, round(side * scale)) for side in soft.shape)
    how = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
    margin = constants.FINE_MARGIN * constants.FINE
    fine = bordered(resize(soft, height, width, how), margin)
    sigma = constants.FINE_BLUR * constants.FINE + constants.PIXEL_BLUR * max(scale, 1)
    blurred = smooth(fine, sigma)
    digit = blurred > min(constants.FINE_EDGE, constants.FINE_RIDGE * float(blurred.max()))
    if falls_apart(digit, soft > 0.5):
        # A stroke finer than the board's pixels fades in their means: mark all that it touches.
        inked = resize((soft > 0.5).astype(np.float32), height, width, Image.Resampling.BOX) > 0
        digit |= bordered(inked, margin)
    return _cropped(digit)


def _cropped(digit: Mask) -> Mask:
    """Without what is farther from a digit than its strokes may widen."""
    return digit[_around(digit, constants.FINE_MARGIN * constants.FINE)]


def _around(mask: Mask, margin: int) -> tuple[slice, slice]:
    """The rows and columns of a mask's ink, and those that are at most ``margin`` from it."""
    (top, bottom), (left, right) = _span(mask, 0), _span(mask, 1)
    rows = slice(max(0, top - margin), bottom + margin)
    return rows, slice(max(0, left - margin), right + margin)


def falls_apart(mask: Mask, whole: Mask) -> bool:
    """Whether a mask has more connected components than the one that it was made of."""
    parts = count_parts(mask)
    return parts > 1 and parts > count_parts(whole)


def count_parts(mask: Mask) -> int:
    """Count the connected components of a mask; diagonal neighbours are connected."""
    return count_components(mask)


def _extent(mask: Mask) -> tuple[int, int]:
    """The height and width of the box around ``mask``, which must not be empty."""
    (top, bottom), (left, right) = _span(mask, 0), _span(mask, 1)
    return bottom - top, right - left


def _span(mask: Mask, axis: int) -> tuple[int, int]:
    """The first inked row (axis 0) or column (axis 1) and the one past the last."""
    inked = np.flatnonzero(mask.any(axis=1 - axis))
    return int(inked[0]), int(inked[-1]) + 1


def centre(strokes: Mask) -> NDArray[np.uint8]:
    """Scale to a box of 20 x 20 pixels, antialiased, with the centre of mass mid-image.

    Args:
        strokes: bool, shape (height, width); at least one pixel of it.

    Returns:
        uint8, shape (28, 28).
    """
    crop = strokes[_around(strokes, 0)].astype(np.float32)
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
        start.append(min(max(round(middle - centre), 0), side - length))
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
    image = np.zeros((constants.MNIST_SIDE, constants.MNIST_SIDE), np.uint8)
    image[top : top + height, left : left + width] = (digit * 255).round().clip(0, 255)
    return image
