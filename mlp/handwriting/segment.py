"""Strokes into digits: which of them belong together, and which are none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from operator import or_

import numpy as np

from mlp.handwriting import constants
from mlp.handwriting.components import Box, ComponentLabels, Part, inked_by, parts_of
from mlp.handwriting.errors import NoDigit
from mlp.handwriting.filters import Mask, Plane


def find_digits(labels: ComponentLabels, ink: Plane) -> list[Part]:
    """Find the digits, row by row, without specks, smudges and what the picture's edge cuts off.

    Args:
        labels: int32, shape (height, width), from :func:`connected_components`.
        ink: float32, the same shape.

    Raises:
        NoDigit: if nothing is left.
    """
    longer = max(labels.shape)
    smallest = max(constants.SMALLEST_DIGIT_PIXELS, constants.SMALLEST_DIGIT * longer)
    parts = _clear_of_edge(join_dashes(parts_of(labels)), labels.shape, smallest)
    digits = _digit_shaped(group(_without_specks(parts)))
    tallest = max((digit.box.height for digit in digits), default=0)
    if tallest < smallest or len(digits) > constants.MOST_DIGITS:
        raise NoDigit
    digits = [digit for digit in digits if digit.box.height >= constants.SHORTEST * tallest]
    return reading_order(_without_faint(digits, labels, ink))


def _clear_of_edge(parts: list[Part], shape: tuple[int, ...], smallest: float) -> list[Part]:
    """The parts that the picture's edge does not cut, or if those are but specks, large ones.

    A digit that was cropped too tightly is large; the corner of a shadow need not be.
    """
    rim = int(constants.PICTURE_RIM * max(shape))
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
    return [part for part in parts if part.box.extent >= constants.CROPPED_DIGIT * max(shape)]


def join_dashes(parts: list[Part]) -> list[Part]:
    """Join dots and dashes that follow one another into the stroke that they draw.

    Returns:
        The parts, largest first; those that are many and near enough to be a stroke as one.
    """
    parts = sorted(parts, key=lambda part: -part.box.extent)[: constants.MOST_PARTS]
    largest = parts[0].box.extent if parts else 0
    dashes = [part for part in parts if part.box.extent <= constants.DASH * largest]
    if len(dashes) < constants.FEWEST_DASHES:
        return parts
    strokes = []
    while dashes:
        chain = [dashes.pop()]
        for link in chain:  # which grows meanwhile
            near = [dash for dash in dashes if _follow_one_another(link.box, dash.box)]
            chain += near
            dashes = [dash for dash in dashes if dash not in near]
        stroke = reduce(or_, chain)
        long = stroke.box.extent >= constants.DASHES_LENGTH * max(d.box.extent for d in chain)
        strokes += [stroke] if long and len(chain) >= constants.FEWEST_DASHES else chain
    return [part for part in parts if part.box.extent > constants.DASH * largest] + strokes


def _follow_one_another(one: Box, other: Box) -> bool:
    """Whether two dashes are near enough to be drawn by one stroke."""
    aside = _gap(one.left, one.right, other.left, other.right)
    apart = _gap(one.top, one.bottom, other.top, other.bottom)
    return max(aside, apart) <= constants.DASH_GAP * max(one.extent, other.extent)


def _without_specks(parts: list[Part]) -> list[Part]:
    """The largest parts, without dust; few enough to compare each with each."""
    parts = sorted(parts, key=lambda part: -part.box.extent)[: constants.MOST_PARTS]
    largest = parts[0].box.extent if parts else 0
    return [part for part in parts if part.box.extent > constants.SPECK * largest]


def _digit_shaped(digits: list[Part]) -> list[Part]:
    """Those that are no dashes."""
    return [digit for digit in digits if not _is_flat(digit.box)]


def _without_faint(digits: list[Part], labels: ComponentLabels, ink: Plane) -> list[Part]:
    """Those whose ink is nearly as strong as the strongest one's: others shine through the page."""
    strengths = []
    for digit in digits:
        own = around(digit.box, 0)
        strengths.append(float(ink[own][inked_by(digit.labels, labels[own])].mean()))
    faintest = constants.FAINTEST_DIGIT * max(strengths)
    return [digit for digit, its in zip(digits, strengths, strict=True) if its >= faintest]


def group(parts: list[Part]) -> list[Part]:
    """Join the strokes of each digit: the detached bar of a five, the parts of a broken stroke.

    Returns:
        The digits, the one with the largest stroke first.
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
        if level and _levelness(level[-1].box, digit.box) > constants.SAME_ROW:
            level.append(digit)
        else:
            rows.append([digit])
    rows.sort(key=lambda row: sum(digit.box.top + digit.box.bottom for digit in row) / len(row))
    return [digit for row in rows for digit in row]


def row_lengths(boxes: Sequence[Box]) -> list[int]:
    """Count the digits of each row.

    Args:
        boxes: of digits in `reading_order`.
    """
    lengths: list[int] = []
    last = None
    for box in boxes:
        goes_on = last is not None and (
            last.left + last.right <= box.left + box.right
            and _levelness(last, box) > constants.SAME_ROW
        )
        if goes_on:
            lengths[-1] += 1
        else:
            lengths.append(1)
        last = box
    return lengths


def _levelness(one: Box, other: Box) -> float:
    """How far two boxes overlap from top to bottom, as a share of the lower of them."""
    return -_gap(one.top, one.bottom, other.top, other.bottom) / min(one.height, other.height)


def _belong_together(one: Box, other: Box) -> bool:
    """Whether two boxes hold strokes of one digit.

    They do if one stands over the other with little air between them, if one is a mere piece
    that almost touches the other, or if they interlock like the two strokes of an open four. Two
    neighbours on one line stay two.
    """
    aside = _gap(one.left, one.right, other.left, other.right)
    apart = _gap(one.top, one.bottom, other.top, other.bottom)
    taller, shorter = max(one.height, other.height), min(one.height, other.height)
    lower = max(one, other, key=lambda box: box.top)
    least = max(constants.UNDERLINE_GAP_PIXELS, constants.UNDERLINE_GAP * taller)
    if _is_flat(lower) and apart > least:
        return False
    if -aside >= constants.STACKED * min(one.width, other.width):
        return apart <= _stacked_gap(one, other) * (one | other).height
    piece = shorter <= constants.PIECE * taller
    staggered = aside < 0 and -apart <= constants.STAGGERED * shorter
    near = constants.BESIDE_GAP * max(one.extent, other.extent)
    return (piece or staggered) and aside <= near and apart <= near


def _stacked_gap(one: Box, other: Box) -> float:
    """How far apart, as a share of their common height, two stacked strokes of a digit may be."""
    if min(one.height / one.width, other.height / other.width) > constants.SLIM:
        return constants.SLIM_GAP
    alike = min(one.height, other.height) > constants.PIECE * max(one.height, other.height)
    return constants.HALVES_GAP if alike else constants.PIECE_GAP


def _gap(start: int, stop: int, other_start: int, other_stop: int) -> int:
    """The pixels between two intervals; below 0, how many they have in common."""
    return max(start, other_start) - min(stop, other_stop)


def _is_flat(box: Box) -> bool:
    return box.width > constants.FLATTEST * box.height


def could_be_one(pieces: list[Part], whole: Part) -> bool:
    """Whether pieces stand close enough to be one digit, where one is expected."""
    across = sorted(pieces, key=lambda piece: piece.box.left + piece.box.right)
    widest = max(right.box.left - left.box.right for left, right in pairwise(across))
    limit = constants.ONE_DIGIT_WIDTH * whole.box.height
    return whole.box.width <= limit and constants.ONE_DIGIT_GAPS * widest <= limit


def cut_out(soft: Plane, labels: ComponentLabels, digit: Part) -> Plane:
    """Cut out one digit's ink with its soft edge, without the ink of its neighbours.

    Args:
        soft: float32, shape (height, width): ink from 0 to 1, with the edges of strokes at 0.5.
        labels: int32, the same shape, from :func:`connected_components`.
        digit: the components that make it up.

    Returns:
        float32, the size of the digit's box and a margin.
    """
    rows, columns = around(digit.box, constants.CUT_MARGIN)
    numbers = labels[rows, columns]
    foreign: Mask = (numbers > 0) & ~inked_by(digit.labels, numbers)
    return np.where(foreign, np.float32(0), soft[rows, columns])


def around(box: Box, margin: int) -> tuple[slice, slice]:
    """The rows and columns of a box and what is at most ``margin`` pixels beside it."""
    rows = slice(max(0, box.top - margin), box.bottom + margin)
    return rows, slice(max(0, box.left - margin), box.right + margin)
