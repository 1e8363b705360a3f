"""Strokes into digits: which of them belong together, and which are none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mlp.handwriting.components import Box, Labels, Part, parts_of
from mlp.handwriting.errors import NothingToRead
from mlp.handwriting.filters import Mask, Plane

SMALLEST = 60  # a digit is taller than this share of the picture's longer side
CROPPED = 0.3  # a digit cut by the picture's edge takes up more than this of its longer side
MOST_PARTS = 200  # strokes, specks included; grouping compares each with each
MOST_DIGITS = 40  # in a line; more are the texture of the paper
SPECK = 0.08  # of the largest part's size
FLATTEST = 2.5  # width over height: what is flatter is a dash or the rest of a ruling
UNDERLINED = 0.05  # of a digit's height: a dash that is farther below it is none of its strokes
SHORTEST = 0.4  # of the tallest digit's height: what is shorter is a full stop or a smudge
LEVEL = 0.3  # two digits of one row share this much of the lower one's height
FAINTEST = 0.6  # of the strongest digit's ink: what is fainter shines through the page


def find_digits_of(labels: Labels, ink: Plane) -> list[Part]:
    """The digits, row by row, without specks, smudges and what the picture's edge cuts off.

    Args:
        labels: int32, shape (height, width), from :func:`connected`.
        ink: float32, the same shape.

    Raises:
        NothingToRead: if nothing is left.
    """
    smallest = max(4.0, max(labels.shape) / SMALLEST)
    parts = _clear_of_edge(parts_of(labels), labels.shape, smallest)
    parts = sorted(parts, key=lambda part: -part.box.extent)[:MOST_PARTS]
    largest = parts[0].box.extent if parts else 0
    digits = group([part for part in parts if part.box.extent > SPECK * largest])

    digits = [digit for digit in digits if digit.box.width <= FLATTEST * digit.box.height]
    tallest = max((digit.box.height for digit in digits), default=0)
    if tallest < smallest or len(digits) > MOST_DIGITS:
        raise NothingToRead
    digits = [digit for digit in digits if digit.box.height >= SHORTEST * tallest]

    strengths = [float(ink[np.isin(labels, digit.labels)].mean()) for digit in digits]
    faintest = FAINTEST * max(strengths)
    strong = [digit for digit, ink in zip(digits, strengths, strict=True) if ink >= faintest]
    return reading_order(strong)


def _clear_of_edge(parts: list[Part], shape: tuple[int, ...], smallest: float) -> list[Part]:
    """The parts that the picture's edge does not cut, or if those are but specks, large ones.

    A digit that was cropped too tightly is large; the corner of a shadow need not be.
    """
    rim = max(shape) // 128
    clear = [
        part
        for part in parts
        if part.box.top > rim
        and part.box.left > rim
        and part.box.bottom < shape[0] - rim
        and part.box.right < shape[1] - rim
    ]
    if any(part.box.extent >= smallest for part in clear):
        return clear
    return [part for part in parts if part.box.extent >= CROPPED * max(shape)]


def group(parts: list[Part]) -> list[Part]:
    """Join the strokes of each digit: the detached bar of a five, the pieces of a broken stroke.

    Returns:
        The digits, the first-found first.
    """
    digits = sorted(parts, key=lambda part: -part.box.extent)
    joined = True
    while joined:
        joined = False
        for i in range(len(digits)):
            for j in range(len(digits) - 1, i, -1):
                if _belong_together(digits[i].box, digits[j].box):
                    digits[i] |= digits.pop(j)
                    joined = True
    return digits


def reading_order(digits: list[Part]) -> list[Part]:
    """Sort digits into rows, top to bottom, and each row left to right.

    A digit stands in the row whose last digit it is level with, so that a row may slope.
    """
    rows: list[list[Part]] = []
    for digit in sorted(digits, key=lambda digit: digit.box.left + digit.box.right):
        level = max(rows, key=lambda row: _levelness(row[-1].box, digit.box), default=[])
        if level and _levelness(level[-1].box, digit.box) > LEVEL:
            level.append(digit)
        else:
            rows.append([digit])
    rows.sort(key=lambda row: sum(digit.box.top + digit.box.bottom for digit in row) / len(row))
    return [digit for row in rows for digit in row]


def _levelness(one: Box, other: Box) -> float:
    """How far two boxes overlap from top to bottom, as a share of the lower of them."""
    overlap = min(one.bottom, other.bottom) - max(one.top, other.top)
    return overlap / min(one.height, other.height)


def _belong_together(large: Box, small: Box) -> bool:
    """Whether two boxes hold strokes of one digit.

    They do if one stands over the other with little air between them, if one is a mere piece
    that almost touches the other, or if they interlock like the two strokes of an open four. Two
    neighbours on one line stay two.
    """
    aside = max(large.left, small.left) - min(large.right, small.right)  # below 0 where they lap
    apart = max(large.top, small.top) - min(large.bottom, small.bottom)
    tallest = max(large.height, small.height)
    shortest = min(large.height, small.height)
    size = max(large.extent, small.extent)
    lower = max(large, small, key=lambda box: box.top)
    if lower.width > FLATTEST * lower.height and apart > UNDERLINED * tallest:
        return False  # a line under the digit
    if -aside >= 0.4 * min(large.width, small.width):
        whole = (large | small).height
        if min(large.height / large.width, small.height / small.width) > 1.2:
            return apart <= 0.03 * whole  # two digits, not the halves of one
        return apart <= (0.15 if shortest > 0.6 * tallest else 0.3) * whole
    piece = shortest <= 0.6 * tallest
    staggered = aside < 0 and -apart <= 0.6 * shortest
    return (piece or staggered) and aside <= 0.12 * size and apart <= 0.12 * size


def could_be_one(pieces: list[Part], whole: Part) -> bool:
    """Whether pieces stand close enough to be one digit, where one is expected."""
    across = sorted(pieces, key=lambda piece: piece.box.left + piece.box.right)
    gaps = [right.box.left - left.box.right for left, right in pairwise(across)]
    return whole.box.width <= 0.9 * whole.box.height >= 8 * max(gaps)


def cut_out(soft: Plane, labels: Labels, digit: Part) -> Plane:
    """One digit's ink with its soft edge, the ink of its neighbours left out."""
    rows, columns = around(digit.box, 2)
    numbers = labels[rows, columns]
    foreign: Mask = (numbers > 0) & ~np.isin(numbers, digit.labels)
    return np.where(foreign, np.float32(0), soft[rows, columns])


def around(box: Box, margin: int) -> tuple[slice, slice]:
    """The rows and columns of a box and what is at most ``margin`` pixels beside it."""
    rows = slice(max(0, box.top - margin), box.bottom + margin)
    return rows, slice(max(0, box.left - margin), box.right + margin)
