"""The whole way from a picture to digits in MNIST's format; every stage is kept to be shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray

from mlp.handwriting import constants
from mlp.handwriting.components import (
    Box,
    ComponentLabels,
    Part,
    connected_components,
    inked_by,
)
from mlp.handwriting.digit import Digit
from mlp.handwriting.errors import NoDigit, SeveralDigits
from mlp.handwriting.filters import Mask, Plane
from mlp.handwriting.frames import find_panel, remove_borders, remove_frames
from mlp.handwriting.ink import (
    absorbed_light,
    closing_size,
    estimate_paper_colour,
    find_edge,
    grain_blur,
    in_light,
    pen_colour,
    remove_grain,
)
from mlp.handwriting.kept import keep
from mlp.handwriting.load import shrink
from mlp.handwriting.normalise import stroke_width, to_mnist_format
from mlp.handwriting.paper import drop_cut_strokes, find_paper
from mlp.handwriting.planes import brightness, working_copies
from mlp.handwriting.ruled_lines import remove_ruled_lines
from mlp.handwriting.segment import around, could_be_one, cut_out, find_digits
from mlp.handwriting.sharpness import measure_sharpness
from mlp.handwriting.views import draw_views


def extract_digit(picture: NDArray[np.uint8]) -> Digit:
    """Extract the one digit in a picture.

    Args:
        picture: uint8 of shape (height, width), (height, width, 3) or (height, width, 4): grey,
            RGB or RGBA, light or dark, of any size.

    Raises:
        NoDigit: if the page is blank.
        SeveralDigits: if there is more than one.
        DataError: if the array is not a picture.
    """
    page, scale = _interpret(picture)
    digit = reduce(or_, page.digits)
    if len(page.digits) > 1 and not could_be_one(page.digits, digit):
        raise SeveralDigits(len(page.digits))
    return page.extract(digit, scale)


def extract_digits(picture: NDArray[np.uint8]) -> list[Digit]:
    """Extract rows of digits, top to bottom, and in each row left to right.

    Args:
        picture: as for :func:`extract_digit`.

    Raises:
        NoDigit: if the page is blank.
        DataError: if the array is not a picture.
    """
    page, scale = _interpret(picture)
    return [page.extract(digit, scale) for digit in page.digits]


@dataclass(frozen=True)
class _Page:
    """One interpretation of a picture: dark on light or light on dark, all of it or its paper.

    Attributes:
        grey, ink, lifted, soft: float32, shape (height, width): brightness, ink, ink without
            ruled lines, and ink from 0 to 1 with strokes' edges at 0.5.
        labels: the strokes' numbers, the same shape.
        digits: which strokes make up each digit, in reading order.
        sharpness: that of the sharpest digit; see :func:`measure_sharpness`.
        corner: the row and column of the working copy at which the page begins.
    """

    grey: Plane
    ink: Plane
    lifted: Plane
    soft: Plane
    labels: ComponentLabels
    digits: list[Part]
    sharpness: float
    corner: tuple[int, int] = (0, 0)

    @property
    def bounds(self) -> Box:
        """The box around all digits, in the working copy."""
        return reduce(or_, (digit.box for digit in self.digits)).moved(*self.corner)

    def panel(self) -> Box | None:
        """What is inside the solid rectangle that the only digit is, in the working copy."""
        if len(self.digits) > 1:
            return None
        box = self.digits[0].box
        inside = find_panel(inked_by(self.digits[0].labels, self.labels[around(box, 0)]))
        return inside and inside.moved(box.top, box.left).moved(*self.corner)

    @cached_property
    def _stages(self) -> dict[str, NDArray[np.generic]]:
        return {
            "picture": 255 - self.grey,
            "ink": self.ink,
            "without rulings": self.lifted,  # ruled lines: the name is printed, and saved in files
            "threshold": self.soft,
        }

    def extract(self, digit: Part, scale: float) -> Digit:
        """One digit in MNIST's format; the picture is ``scale`` times as large as the page."""
        alone = cut_out(self.soft, self.labels, digit)
        kept = keep(self.grey, self.labels, digit)
        image, strokes = to_mnist_format(alone, kept)
        stages = {**self._stages, "digit": alone, "strokes": strokes, "image": image}
        box = digit.box.moved(*self.corner).shrunk(1 / scale)
        soft = (alone > constants.SOFT_FROM) & (alone < 1 - constants.SOFT_FROM)
        softness = float(np.count_nonzero(soft)) / int(np.count_nonzero(alone > 0.5))
        left_out = self._left_out(digit)
        return Digit(image, box, stages, draw_views(strokes), left_out, len(digit.labels), softness)

    def _left_out(self, digit: Part) -> float:
        near = self.labels[around(digit.box, round(constants.NEARBY * digit.box.extent))]
        known = [number for digit in self.digits for number in digit.labels]
        strange = (near > 0) & ~inked_by(known, near)
        return float(np.count_nonzero(strange)) / digit.area


def _interpret(picture: NDArray[np.uint8]) -> tuple[_Page, float]:
    """Interpret a picture as dark on light and as light on dark, and keep the sharper.

    The stages run for either polarity over the whole picture, over the paper alone if there is a
    table beside it, and inside a dark panel. Nothing cheaper was found to tell a blackboard from a
    page in a shadow, a table from the dark half of a page, or a coloured pen from coloured rulings,
    than to look at the digits of both. A large picture is looked at in a small copy first, which is
    clear for most: then they run for one polarity alone.

    Returns:
        The interpretation, and how many times as large as its working copy the picture is.

    Raises:
        NoDigit: if no interpretation has a digit.
    """
    copies, scale = working_copies(picture)
    found = [(page, copy) for copy in copies if (page := _find_sharper(copy)) is not None]
    if not found:
        raise NoDigit
    page, copy = max(found, key=lambda pair: pair[0].sharpness)
    panel = page.panel()
    inside = None if panel is None else _find_sharper(copy[around(panel, 0)])
    if panel is None or inside is None:
        return page, scale
    down, right = inside.corner
    return replace(inside, corner=(panel.top + down, panel.left + right)), scale


def _find_sharper(picture: NDArray[np.uint8]) -> _Page | None:
    """The sharper of dark on light and light on dark; None if both are blank."""
    if max(picture.shape) > constants.GLANCE_FROM * constants.GLANCE_SIDE:
        is_light = _is_clearly_light_on_dark(shrink(picture, constants.GLANCE_SIDE)[0])
        if is_light is not None and (page := _find_page(~picture if is_light else picture)):
            return page
    dark_on_light, light_on_dark = _find_page(picture), _find_page(~picture)
    if light_on_dark is not None and _wins(light_on_dark, dark_on_light):
        return light_on_dark
    return dark_on_light


def _is_clearly_light_on_dark(glance: NDArray[np.uint8]) -> bool | None:
    """Which polarity a small copy of a picture has; None where that is no clear matter."""
    dark_on_light, light_on_dark = _find_page(glance), _find_page(~glance)
    if dark_on_light is None or light_on_dark is None:
        return None if dark_on_light is light_on_dark else dark_on_light is None
    needed = _handicap(light_on_dark, dark_on_light) * dark_on_light.sharpness
    lead = light_on_dark.sharpness / needed
    clear = max(lead, 1 / lead) > constants.GLANCE_CLEAR
    return lead > 1 if clear else None


def _wins(light_on_dark: _Page, dark_on_light: _Page | None) -> bool:
    """Whether to believe that ink is light on dark.

    The paper that a dark stroke encloses looks like a light stroke. So light on dark has to be
    much sharper, unless it is around what is found dark on light: then that is the enclosed one.
    """
    if dark_on_light is None:
        return True
    factor = _handicap(light_on_dark, dark_on_light)
    return light_on_dark.sharpness > dark_on_light.sharpness * factor


def _handicap(light_on_dark: _Page, dark_on_light: _Page) -> float:
    """How many times as sharp as dark on light what is light on dark has to be."""
    light, dark = light_on_dark.bounds, dark_on_light.bounds
    around = light | dark == light != dark
    return 1 / constants.LIGHT_ON_DARK if around else constants.LIGHT_ON_DARK


def _find_page(picture: NDArray[np.uint8]) -> _Page | None:
    """The sharper of the whole picture and its paper, dark on light; None if both are blank."""
    page = _prefer(_find_strokes(picture), _find_on_paper(picture))
    return page if page is not None and page.sharpness > constants.LEAST_SHARPNESS else None


def _prefer(whole: _Page | None, paper: _Page | None) -> _Page | None:
    """What is on the paper, unless the whole picture shows that as well, or something sharper."""
    if whole is None or paper is None:
        return whole or paper
    boxes = [digit.box for digit in whole.digits]
    on_paper = [digit.box.moved(*paper.corner) for digit in paper.digits]
    shown = all(any(box.is_about(other) for other in boxes) for box in on_paper)
    factor = constants.PAPER_AS_SHARP if shown else 1 / constants.PAPER_AS_SHARP
    return whole if whole.sharpness > factor * paper.sharpness else paper


def _find_on_paper(picture: NDArray[np.uint8]) -> _Page | None:
    """Find strokes on the paper alone; None if there is no table beside it, or no ink on it."""
    mask = find_paper(picture)
    if mask is None:
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    crop = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    page = _find_strokes(picture[crop], mask[crop])
    return page and replace(page, corner=(int(rows[0]), int(columns[0])))


def _find_strokes(picture: NDArray[np.uint8], mask: Mask | None = None) -> _Page | None:
    """Find the digits of a picture, dark on light, inside ``mask`` if given; None without ink."""
    grey = brightness(picture)
    try:
        small, scale = shrink(picture, constants.PEN_SIDE)
        paper = estimate_paper_colour(small)
        ink = rough = absorbed_light(small, paper)
        unruled = remove_ruled_lines(rough)
        pen = scale * _pen_width(unruled)
        widest = constants.CLOSING_WINDOW * pen
        if small is not picture or closing_size(picture, widest) != closing_size(picture):
            paper = estimate_paper_colour(picture, widest)
            ink = absorbed_light(picture, paper)
        if mask is not None:
            ink = np.where(mask, ink, np.float32(0))
        unframed = remove_frames(ink, find_edge(ink))
        if unframed is not rough:
            unruled = remove_ruled_lines(unframed)
        lifted = remove_grain(unruled, grain_blur(unruled, pen))
        _, edge = remove_borders(lifted)
        if pen < constants.FINE_PEN * max(grey.shape):
            edge *= constants.FINE_PEN_EDGE
        soft = np.clip(lifted / (2 * edge), 0, 1)
        labels = connected_components(soft > 0.5)
        if mask is not None:
            labels = drop_cut_strokes(labels, mask)
        digits = find_digits(labels, lifted)
    except NoDigit:
        return None
    light = pen_colour(picture, paper, labels > 0)
    contrast = in_light(picture, light)
    if unruled is not unframed:  # ruled lines are no grain
        contrast += (unframed - unruled) * in_light(paper, light)
    sharp = measure_sharpness(contrast, labels, digits, pen)
    least = constants.SHARPNESS_SHARE * max(sharp)
    digits = [digit for digit, its in zip(digits, sharp, strict=True) if its >= least]
    return _Page(grey, ink, lifted, soft, labels, digits, max(sharp))


def _pen_width(ink: Plane) -> float:
    """How wide strokes are, in pixels of a copy that is so small that the grain is averaged.

    Raises:
        NoDigit: if there is no ink.
    """
    ink, edge = remove_borders(remove_grain(ink, constants.PEN_BLUR))
    return stroke_width(ink > edge)
