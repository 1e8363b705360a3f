"""The whole way from a picture to digits in MNIST's form, every stage kept to be shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.errors import DataError
from mlp.handwriting.errors import NothingToRead, SeveralDigits
from mlp.handwriting.filters import Plane
from mlp.handwriting.ink import absorbed_light, estimate_paper, find_edge
from mlp.handwriting.loading import WORKING_SIDE, flatten_alpha
from mlp.handwriting.normalise import mnist_form, stroke_width
from mlp.handwriting.regions import Box, Labels, Part, connected
from mlp.handwriting.rulings import without_rulings
from mlp.handwriting.segment import around, could_be_one, cut_out, find_digits_of

CLEAR = 1.3  # the least clarity, over the steepness of the paper's own grain plus one
PAPER_OVER_BOARD = 1.15  # how much clearer light on dark must be to be believed


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
        digits: which strokes make up each digit, in reading order.
    """

    grey: Plane
    ink: Plane
    lifted: Plane
    soft: Plane
    labels: Labels
    digits: list[Part]

    def reading(self, digit: Part, scale: float) -> Reading:
        """One digit in MNIST's form; ``scale`` is the picture's size over the page's."""
        box = digit.box
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
        top, left = int(box.top * scale), int(box.left * scale)
        bottom, right = np.ceil((box.bottom * scale, box.right * scale)).astype(int)
        return Reading(image, Box(top, left, int(bottom), int(right)), stages)

    def clarity(self) -> float:
        """How sharply the clearest digit stands out from its paper, in brightness a pixel.

        This is the brightness gained in crossing its outline, at the quarter of the outline where
        that is least: shadows, and paper that is hemmed in by strokes, have an edge on some sides
        only. It counts for less in a shape whose outline is as short as that of the hole in a zero.
        """
        return max(self._clarity(digit) for digit in self.digits)

    def _clarity(self, digit: Part) -> float:
        rows, columns = around(digit.box, 3)
        mask = np.isin(self.labels[rows, columns], digit.labels).astype(np.float32)
        inward = _slope(mask)
        steepness = np.hypot(*inward)
        outline = steepness > 0
        gained = -(inward * _slope(self.grey[rows, columns])).sum(axis=0)[outline]
        least = float(np.quantile(gained / steepness[outline], 0.25))
        return least * min(1.0, float(steepness.sum()) / (4 * digit.box.extent))


def _read_page(picture: NDArray[np.uint8]) -> tuple[_Page, float]:
    """Read the working copy as dark on light and as light on dark, and keep the clearer.

    Returns:
        The page, and how many times as large as it the picture is.

    Raises:
        NothingToRead: if neither finds a digit.
    """
    scale, rgb = _working_copy(picture)
    clearest, clarity = None, 0.0
    for page in (_find_strokes(rgb), _find_strokes(~rgb)):
        if page is None:
            continue
        grain = float(np.median(np.hypot(*_slope(page.grey))))
        if page.clarity() > max(PAPER_OVER_BOARD * clarity, CLEAR * (1 + grain)):
            clearest, clarity = page, page.clarity()
    if clearest is None:
        raise NothingToRead
    return clearest, scale


def _slope(plane: Plane) -> NDArray[np.float32]:
    """How much ``plane`` rises downwards and to the right; shape (2, height + 2, width + 2)."""
    return np.array(np.gradient(np.pad(plane, 1, mode="edge")), np.float32)


def _find_strokes(picture: NDArray[np.uint8]) -> _Page | None:
    """Read a picture as dark on light; None if there is no ink."""
    grey = picture.mean(axis=2, dtype=np.float32)
    try:
        rough = without_rulings(absorbed_light(picture, estimate_paper(picture)))
        strokes = rough > find_edge(rough)
        ink = absorbed_light(picture, estimate_paper(picture, 5 * stroke_width(strokes)))
        lifted = without_rulings(ink)
        soft = np.clip(lifted / (2 * find_edge(lifted)), 0, 1)
        labels = connected(soft > 0.5)
        return _Page(grey, ink, lifted, soft, labels, find_digits_of(labels, lifted))
    except NothingToRead:
        return None


def _working_copy(picture: NDArray[np.uint8]) -> tuple[float, NDArray[np.uint8]]:
    """How much smaller the copy is than the picture, and the copy, RGB."""
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
    scale = max(1.0, max(picture.shape[:2]) / WORKING_SIDE)
    if scale > 1:
        small = Image.fromarray(picture)
        small.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
        picture = np.asarray(small)
    return scale, picture
