"""Strokes become digits in reading order; specks, underlines and smudges become none."""

from __future__ import annotations

import numpy as np
import pytest
from hard_pictures import (
    Scene,
    broken,
    clean,
    dusty,
    likeness,
    page_of,
    page_of_rows,
    photograph,
    underlined,
    with_lifted_bar,
)

from mlp.handwriting import NoDigit, extract_digit, extract_digits
from mlp.handwriting.components import Box, Part, connected_components, parts_of
from mlp.handwriting.segment import (
    around,
    could_be_one,
    cut_out,
    find_digits,
    group,
    join_dashes,
    reading_order,
    row_lengths,
)


@pytest.mark.parametrize("slope", [-0.15, 0, 0.15])
@pytest.mark.parametrize("spacing", [78, 100])
def test_rows_are_ordered_top_to_bottom_and_each_left_to_right(slope, spacing):
    rows = ((4, 0, 7, 5), (2, 8, 6), (3, 1, 9, 6))
    page = page_of_rows(*rows, spacing=spacing, slope=slope)
    found = extract_digits(photograph(page, Scene(grain=2)))
    expected = [digit for row in rows for digit in row]
    assert len(found) == len(expected)
    for digit, extracted in zip(expected, found, strict=True):
        assert likeness(extracted.image, clean(digit)) > 0.8


@pytest.mark.parametrize("gap", [5, 11, 19])
def test_a_five_with_a_detached_bar_is_one_digit(gap):
    picture = photograph(with_lifted_bar(gap), Scene(grain=2))
    assert len(extract_digits(picture)) == 1


@pytest.mark.parametrize("digit", [1, 2, 6, 9])
@pytest.mark.parametrize("gap", [8, 24])
def test_a_line_under_a_digit_is_none_of_its_strokes(digit, gap):
    picture = photograph(underlined(page_of(digit), gap), Scene(grain=2))
    assert likeness(extract_digit(picture).image, clean(digit)) > 0.9


def test_a_broken_stroke_is_one_digit():
    picture = photograph(broken(page_of(3, height=112)), Scene(grain=2))
    assert likeness(extract_digit(picture).image, clean(3)) > 0.85


def test_specks_and_dust_are_dropped():
    picture = photograph(dusty(page_of(6)), Scene(grain=2))
    assert likeness(extract_digit(picture).image, clean(6)) > 0.9


# The parts


def part(top: int, left: int, height: int, width: int) -> Part:
    return Part((1,), Box(top, left, top + height, left + width), height * width)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (part(0, 0, 50, 30), part(0, 40, 50, 30), False),  # neighbours on a line
        (part(20, 0, 60, 40), part(8, 5, 6, 40), True),  # a five and its bar
        (part(0, 0, 50, 10), part(55, 0, 50, 10), False),  # two ones, one over the other
        (part(0, 0, 50, 45), part(55, 0, 50, 45), True),  # the halves of a digit
        (part(0, 0, 50, 45), part(70, 0, 50, 45), False),  # too far apart for that
        (part(0, 0, 60, 40), part(66, 0, 6, 50), False),  # an underline
        (part(0, 0, 30, 30), part(10, 25, 50, 10), True),  # an open four
        (part(0, 0, 60, 30), part(30, 34, 10, 8), True),  # a part that almost touches
        (part(0, 0, 60, 30), part(30, 50, 10, 8), False),  # a part farther off
    ],
)
def test_strokes_are_grouped_by_where_they_stand(one, other, together):
    assert len(group([one, other])) == (1 if together else 2)
    assert len(group([other, one])) == (1 if together else 2)


def test_a_digit_lower_in_its_row_stays_in_it():
    first, second, below = part(0, 0, 40, 20), part(15, 30, 40, 20), part(60, 0, 40, 20)
    assert reading_order([below, second, first]) == [first, second, below]
    assert row_lengths([part.box for part in (first, second, below)]) == [2, 1]


def test_a_row_further_to_the_right_is_another_row() -> None:
    boxes = [Box(0, 0, 10, 10), Box(1, 15, 11, 25), Box(30, 40, 40, 50), Box(31, 5, 41, 15)]
    assert row_lengths(boxes) == [2, 1, 1]
    assert row_lengths([]) == []


@pytest.mark.parametrize(
    ("parts", "one"),
    [
        ([part(0, 0, 60, 20), part(0, 22, 60, 20)], True),
        ([part(0, 0, 60, 20), part(0, 30, 60, 20)], False),  # too much air
        ([part(0, 0, 60, 40), part(0, 42, 60, 40)], False),  # too wide
    ],
)
def test_parts_may_be_one_digit_where_one_is_expected(parts, one):
    assert could_be_one(parts, parts[0] | parts[1]) is one


def inked(*strokes: tuple[int, int, int, int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and ink of strokes (top, left, height, width, ink) on a page of 120 x 160 pixels."""
    ink = np.zeros((120, 160), np.float32)
    for top, left, height, width, level in strokes:
        ink[top : top + height, left : left + width] = level
    return connected_components(ink > 0), ink


DIGIT = (40, 50, 40, 20, 0.9)


@pytest.mark.parametrize(
    "other",
    [
        (40, 100, 3, 3, 0.9),  # a speck
        (60, 90, 6, 40, 0.9),  # a dash
        (70, 100, 10, 10, 0.9),  # a full stop
        (40, 100, 40, 20, 0.4),  # what shines through
        (0, 100, 40, 20, 0.9),  # what the picture's edge cuts
    ],
)
def test_what_is_no_digit_is_dropped(other):
    digits = find_digits(*inked(DIGIT, other))
    assert [digit.box for digit in digits] == [Box(40, 50, 80, 70)]


def test_a_digit_that_the_edge_cuts_is_kept_if_it_is_large_and_alone():
    assert len(find_digits(*inked((0, 50, 80, 40, 0.9)))) == 1
    with pytest.raises(NoDigit):
        find_digits(*inked((0, 50, 20, 10, 0.9)))


def test_more_digits_than_a_page_holds_are_texture():
    strokes = [
        (10 + 20 * row, 10 + 15 * column, 12, 6, 0.9) for row in range(5) for column in range(9)
    ]
    with pytest.raises(NoDigit):
        find_digits(*inked(*strokes))
    assert len(find_digits(*inked(*strokes[:40]))) == 40


def test_a_digit_is_cut_out_without_its_neighbour():
    labels, ink = inked(DIGIT, (45, 71, 20, 10, 0.9))
    digit = find_digits(*inked(DIGIT))[0]
    number = labels[50, 55]
    alone = cut_out(ink, labels, Part((number,), digit.box, digit.area))
    assert alone.shape == (44, 24)
    assert alone.sum() == pytest.approx(0.9 * 40 * 20)


def test_what_is_around_a_box_ends_with_the_picture():
    assert around(Box(1, 5, 9, 9), 3) == (slice(0, 12), slice(2, 12))


@pytest.mark.parametrize("height", [30, 70, 151, 300])
@pytest.mark.parametrize("dash", [0.03, 0.06, 0.12])
@pytest.mark.parametrize("air", [0.6, 1.2])
def test_a_foot_drawn_in_dashes_belongs_to_its_digit(height, dash, air):
    """The dots were dropped as dust, and a two without its foot was read as a seven."""
    size = max(2, round(dash * height))
    gap = max(1, round(air * size))
    page = np.full((2 * height, 3 * height), 255, np.uint8)
    top, left = height // 2, height // 2
    page[top : top + height, left : left + max(2, height // 20)] = 0  # a stem
    foot = top + height + max(1, height // 50)
    starts = range(left, left + round(0.8 * height), size + gap)
    for start in starts:
        page[foot : foot + size, start : start + size] = 0
    parts = join_dashes(_parts(page < 128))
    if len(starts) >= 4:
        assert len(parts) == 2
        assert len(group(parts)) == 1
    else:
        assert len(parts) == 1 + len(starts)


def test_dust_is_no_stroke():
    rng = np.random.default_rng(0)
    page = np.zeros((300, 300), bool)
    page[60:240, 100:110] = True
    for row, column in rng.integers(0, 297, (25, 2)):
        page[row : row + 2, column : column + 2] = True
    assert max(len(part.labels) for part in join_dashes(_parts(page))) <= 3


def _parts(mask: np.ndarray) -> list[Part]:
    return parts_of(connected_components(mask))
