"""Printed boxes and borders go, digits that look like them stay."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_pictures import cover
from hard_pictures import (
    Scene,
    beside_table,
    clean,
    draw_digit,
    framed,
    likeness,
    page_of,
    photograph,
)

from mlp.data.synthetic import draw_lines
from mlp.handwriting import NoDigit, extract_digit
from mlp.handwriting.frames import find_panel, remove_borders, remove_frames
from mlp.handwriting.ink import find_edge
from mlp.handwriting.normalise import to_mnist_format


@pytest.mark.parametrize("pen", [(150, 150, 155), (255, 150, 200)])
@pytest.mark.parametrize("sides", [1, 2])
def test_a_strip_of_dark_table_hides_no_faint_pen(pen, sides):
    picture = photograph(page_of(5, pen=0.07), Scene(pen=pen, light=0.2))
    assert likeness(extract_digit(beside_table(picture, sides)).image, clean(5)) > 0.9


def test_a_digit_that_runs_along_an_edge_is_no_border():
    seven = draw_digit(7, 160, 0.1)
    rows, columns = np.nonzero(seven > 0.5)
    picture = photograph(seven[rows.min() + 4 :, : columns.max() + 8], Scene(grain=2))
    assert likeness(extract_digit(picture).image, clean(7)) > 0.85


@pytest.mark.parametrize("inset", [6, 20])
@pytest.mark.parametrize("pen", [0.03, 0.12])
def test_a_frame_around_a_digit_is_left_out(inset, pen):
    page = framed(page_of(6, height=120, pen=pen), inset)
    assert likeness(extract_digit(photograph(page, Scene(grain=2))).image, clean(6)) > 0.85


@pytest.mark.parametrize("light", [False, True])
def test_a_square_zero_is_no_frame(light):
    page = np.zeros((240, 240), np.float32)
    page[64:176, 72:168] = 1
    page[80:160, 88:152] = 0
    picture = photograph(page, Scene(grain=2))
    assert extract_digit(~picture if light else picture).image[13:15, 13:15].max() < 30


def boxed(inside: bool, opening: int = 0) -> np.ndarray:
    """The ink of a frame, with or without something in it, open for so many pixels at its top."""
    ink = np.zeros((100, 100), np.float32)
    ink[[20, 80], 20:81] = ink[20:81, [20, 80]] = 0.6
    ink[20, 30 : 30 + opening] = 0
    if inside:
        ink[40:60, 48:52] = 0.6
    return ink


def test_a_frame_goes_and_what_it_holds_stays():
    left = remove_frames(boxed(inside=True), 0.3)
    np.testing.assert_array_equal(np.argwhere(left > 0).min(axis=0), [40, 48])
    np.testing.assert_array_equal(np.argwhere(left > 0).max(axis=0), [59, 51])


@pytest.mark.parametrize("ink", [boxed(inside=False), boxed(inside=True, opening=25)])
def test_a_frame_that_is_empty_or_open_is_a_stroke(ink):
    np.testing.assert_array_equal(remove_frames(ink, 0.3), ink)


def bordered(inside: bool) -> np.ndarray:
    ink = np.zeros((100, 100), np.float32)
    ink[:, 95:] = 0.8
    if inside:
        ink[40:60, 48:52] = 0.8
    return ink


def test_a_border_goes_if_something_else_is_on_the_page():
    left, edge = remove_borders(bordered(inside=True))
    assert edge == find_edge(left)
    assert left[:, 90:].max() == 0
    np.testing.assert_array_equal(left[:, :90], bordered(inside=True)[:, :90])
    alone = bordered(inside=False)
    left, edge = remove_borders(alone)
    np.testing.assert_array_equal(left, alone)
    assert edge == find_edge(alone)


def test_a_blank_page_has_no_border():
    with pytest.raises(NoDigit):
        remove_borders(np.zeros((50, 50), np.float32))


def chart(coverage: np.ndarray, height: int, width: int, *, dark: bool) -> np.ndarray:
    """A digit as a chart shows it, uint8: light on a dark panel, or dark in the corner of axes."""
    page = np.full((height, width), 255.0)
    rows, columns = coverage.shape
    top, left = (height - rows) // 2, (width - columns) // 2
    page[top : top + rows, left : left + columns] = 255 * (coverage if dark else 1 - coverage)
    page[top : top + rows, left] = page[top + rows - 1, left : left + columns] = 0
    for along in range(rows // 20, rows, rows // 6):
        page[top + along, left - 5 : left] = page[top + rows : top + rows + 5, left + along] = 0
    return page.round().astype(np.uint8)


@pytest.mark.parametrize("dark", [True, False])
def test_what_a_chart_shows_is_read_and_not_its_panel_or_axes(dark):
    rng = np.random.default_rng(4)
    for drawing in draw_lines(500, 6, "continental")[:3]:
        side = int(rng.integers(60, 180))
        coverage = cover(drawing, 0.7 * side, 0.08 * side, (side, side))
        digit = extract_digit(chart(coverage, int(1.3 * side), int(1.7 * side), dark=dark))
        assert likeness(digit.image, to_mnist_format(coverage)[0]) > 0.85
        middle = (digit.box.top + digit.box.bottom) / 2, (digit.box.left + digit.box.right) / 2
        np.testing.assert_allclose(middle, [0.65 * side, 0.85 * side], atol=0.1 * side)


def test_no_digit_is_a_panel_however_fat_its_pen():
    rng = np.random.default_rng(5)
    for drawing in draw_lines(500, 7)[::4]:
        mask = cover(drawing, 30, rng.uniform(2, 14), (48, 48)) > 0.5
        rows, columns = np.nonzero(mask)
        box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        assert find_panel(mask[box]) is None


def test_a_panel_is_solid_and_neither_full_nor_a_frame_nor_slim():
    panel = np.ones((50, 50), bool)
    assert find_panel(panel) is None  # there is nothing in it
    panel[10:40, 20:26] = False
    assert find_panel(panel) is not None
    assert find_panel(panel[:, 15:31]) is None
    panel[4:46, 4:46] = False
    assert find_panel(panel) is None
    assert find_panel(np.eye(20, dtype=bool)) is None
