"""The whole way from a picture to digits in MNIST's form, every stage kept to be shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.handwriting.components import Box, Labels, Part, connected
from mlp.handwriting.errors import NothingToRead, SeveralDigits
from mlp.handwriting.filters import Mask, Plane
from mlp.handwriting.frames import without_borders, without_frames
from mlp.handwriting.ink import (
    absorbed_light,
    align_polarity,
    estimate_paper,
    find_edge,
    pen_colour,
    without_grain,
)
from mlp.handwriting.load import WORKING_SIDE, flatten_alpha, shrink
from mlp.handwriting.normalise import mnist_form, stroke_width
from mlp.handwriting.paper import find_sheet, within
from mlp.handwriting.ruled_lines import without_rulings
from mlp.handwriting.segment import could_be_one, cut_out, find_digits_of
from mlp.handwriting.sharpness import clarities

CLEAR = 2.0  # the least clarity of a digit
ROUGH_SIDE = 512  # pixels: the resolution at which the pen's width is measured
SOFTEN = 0.12  # of the pen's width: a blur that strokes hardly feel
UNCLEAR = 0.2  # of the clearest digit's clarity: what is less is texture beside the sheet
AS_CLEAR = 0.9  # of the clearest writing's clarity: what stands on the sheet is as clear
PAPER_OVER_BOARD = 1.5  # how much clearer light on dark must be to be believed, if not around


@dataclass(frozen=True)
class Reading:
    """One digit, as a network trained on MNIST expects it.

    Attributes:
        image: uint8, shape (28, 28), 0 is paper and 255 is ink.
        box: where the digit stands in the picture that was read, in its pixels.
        stages: what each step made of the picture, in order, by name; 2-D arrays of which the
            largest value is ink, of float32, bool or uint8.
    """

    image: NDArray[np.uint8]
    box: Box
    stages: dict[str, NDArray[np.generic]]


def read_picture(picture: NDArray[np.uint8]) -> Reading:
    """Find the one digit in a picture.

    Args:
        picture: uint8 of shape (height, width), (height, width, 3) or (height, width, 4): grey,
            RGB or RGBA, light or dark, of any size.

    Raises:
        NothingToRead: if the page is blank.
        SeveralDigits: if there is more than one.
        DataError: if the array is not a picture.
    """
    page, scale = _read_page(picture)
    digit = page.digits[0]
    for other in page.digits[1:]:
        digit |= other
    if len(page.digits) > 1 and not could_be_one(page.digits, digit):
        raise SeveralDigits(len(page.digits))
    return page.reading(digit, scale)


def read_line(picture: NDArray[np.uint8]) -> list[Reading]:
    """Find the digits of rows of handwriting, top to bottom, and in each row left to right.

    Args:
        picture: as for :func:`read_picture`.

    Raises:
        NothingToRead: if the page is blank.
        DataError: if the array is not a picture.
    """
    page, scale = _read_page(picture)
    return [page.reading(digit, scale) for digit in page.digits]


def find_digits(picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Cut the digits out of rows of handwriting, in reading order and the picture's own colours.

    Args:
        picture: as for :func:`read_picture`.

    Returns:
        One uint8 array for each digit, with the picture's number of axes; none on a blank page.
    """
    try:
        boxes = [reading.box for reading in read_line(picture)]
    except NothingToRead:
        return []
    return [picture[box.top : box.bottom, box.left : box.right] for box in boxes]


@dataclass(frozen=True)
class _Page:
    """What is found on a picture before its digits are taken apart.

    Attributes:
        grey, ink, lifted, soft: float32, shape (height, width): brightness, ink, ink without
            rulings, and ink from 0 to 1 with strokes' edges at 0.5.
        labels: the strokes' numbers, the same shape.
        clarity: that of the clearest digit; see :func:`clarities`.
        corner: the row and column of the picture at which the page begins.
        digits: which strokes make up each digit, in reading order.
    """

    grey: Plane
    ink: Plane
    lifted: Plane
    soft: Plane
    labels: Labels
    digits: list[Part]
    clarity: float
    corner: tuple[int, int] = (0, 0)

    @property
    def bounds(self) -> Box:
        """The box around all digits, in the picture's pixels."""
        return reduce(or_, (digit.box for digit in self.digits)).moved(*self.corner)

    def reading(self, digit: Part, scale: float) -> Reading:
        """One digit in MNIST's form; ``scale`` is the picture's size over the page's."""
        alone = cut_out(self.soft, self.labels, digit)
        image, strokes = mnist_form(alone)
        stages: dict[str, NDArray[np.generic]] = {
            "picture": 255 - self.grey,
            "ink": self.ink,
            "without rulings": self.lifted,
            "threshold": self.soft,
            "digit": alone,
            "strokes": strokes,
            "image": image,
        }
        return Reading(image, digit.box.moved(*self.corner).shrunk(1 / scale), stages)


def _read_page(picture: NDArray[np.uint8]) -> tuple[_Page, float]:
    """Read the working copy as dark on light and as light on dark, and keep the clearer.

    Returns:
        The page, and how many times as large as it the picture is.

    Raises:
        NothingToRead: if neither finds a digit.
    """
    rgb, scale = _working_copy(picture)
    rgb = align_polarity(rgb)
    clearest = None
    for polarity in (rgb, ~rgb):
        page = _prefer(_find_strokes(polarity), _find_on_sheet(polarity))
        if page is not None and page.clarity > CLEAR and _clearer(page, clearest):
            clearest = page
    if clearest is None:
        raise NothingToRead
    return clearest, scale


def _clearer(board: _Page, paper: _Page | None) -> bool:
    """Whether light on dark is to be believed: the ink is around the paper that it encloses."""
    if paper is None:
        return True
    around = board.bounds | paper.bounds == board.bounds != paper.bounds
    return board.clarity > paper.clarity * (1 / PAPER_OVER_BOARD if around else PAPER_OVER_BOARD)


def _prefer(whole: _Page | None, sheet: _Page | None) -> _Page | None:
    """What is on the sheet, unless the whole picture shows that as well, or something clearer."""
    if whole is None or sheet is None:
        return whole or sheet
    boxes = [digit.box for digit in whole.digits]
    on_sheet = [digit.box.moved(*sheet.corner) for digit in sheet.digits]
    shown = all(any(box.is_about(other) for other in boxes) for box in on_sheet)
    if whole.clarity > (AS_CLEAR if shown else 1 / AS_CLEAR) * sheet.clarity:
        return whole
    return sheet


def _find_on_sheet(picture: NDArray[np.uint8]) -> _Page | None:
    """Read the sheet alone, where the table beside it is in the picture; None without one."""
    mask = find_sheet(picture)
    if mask is None:
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    crop = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    page = _find_strokes(picture[crop], mask[crop])
    return page and replace(page, corner=(int(rows[0]), int(columns[0])))


def _find_strokes(picture: NDArray[np.uint8], sheet: Mask | None = None) -> _Page | None:
    """Read a picture as dark on light, inside ``sheet`` if given; None if there is no ink."""
    grey = picture.mean(axis=2, dtype=np.float32)
    try:
        stroke = _rough_stroke(picture)
        paper = estimate_paper(picture, 5 * stroke)
        ink = absorbed_light(picture, paper)
        if sheet is not None:
            ink = np.where(sheet, ink, np.float32(0))
        open_ink = without_frames(ink, find_edge(ink))
        lifted = without_grain(without_rulings(open_ink), SOFTEN * stroke)
        soft = np.clip(lifted / (2 * find_edge(without_borders(lifted))), 0, 1)
        labels = connected(soft > 0.5)
        if sheet is not None:
            labels = within(labels, sheet)
        digits = find_digits_of(labels, lifted)
        contrast = picture @ pen_colour(picture, paper, labels > 0)
        clear = clarities(contrast, labels, digits, stroke)
        digits = [d for d, c in zip(digits, clear, strict=True) if c >= UNCLEAR * max(clear)]
        return _Page(grey, ink, lifted, soft, labels, digits, max(clear))
    except NothingToRead:
        return None


def _rough_stroke(picture: NDArray[np.uint8]) -> float:
    """How wide strokes are, in pixels, measured on a small copy in which the grain is averaged.

    Raises:
        NothingToRead: if there is no ink.
    """
    small, scale = shrink(picture, ROUGH_SIDE)
    ink = without_grain(without_rulings(absorbed_light(small, estimate_paper(small))), 1.0)
    ink = without_borders(ink)
    return scale * stroke_width(ink > find_edge(ink))


def _working_copy(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """The picture in RGB, shrunk to the working size, and how many times as large it is."""
    known = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] in (3, 4))
    if picture.dtype != np.uint8 or not known or picture.size == 0:
        raise DataError(
            f"a picture must be uint8 of shape (height, width) or (height, width, 3 or 4), "
            f"not {picture.dtype} of shape {picture.shape}"
        )
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    if picture.shape[2] == 4:
        picture = flatten_alpha(picture)
    return shrink(picture, WORKING_SIDE)
