"""Lines of the paper go, strokes stay."""

from __future__ import annotations

import numpy as np
import pytest
from hard_pictures import SCENES, Scene, clean, draw_digit, likeness, page_of, photograph, place
from PIL import Image, ImageDraw

from mlp.handwriting import constants, extract_digit, pipeline, ruled_lines
from mlp.handwriting.ruled_lines import remove_ruled_lines


@pytest.mark.parametrize("digit", range(10))
def test_every_digit_on_squared_paper(digit):
    picture = photograph(page_of(digit), SCENES["squared, in a shadow"], seed=digit)
    assert likeness(extract_digit(picture).image, clean(digit)) > 0.9


def test_a_stroke_across_a_tight_picture_is_no_ruled_line():
    picture = photograph(np.pad(draw_digit(1, 240, 0.12), 4), Scene(grain=2))
    assert likeness(extract_digit(picture).image, clean(1)) > 0.9


def lined(rise: float) -> np.ndarray:
    """A page of 120 x 160 pixels with one soft line, and a thick stroke across it."""
    rows, columns = np.mgrid[:120, :160]
    away = np.abs(rows - (50 + rise * columns))
    ink = 0.3 * np.clip(1.5 - away, 0, 1).astype(np.float32)
    ink[30:90, 70:78] = 0.9
    return ink


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("rise", [0.0, 0.05, -0.08])
def test_a_line_is_removed_and_the_stroke_across_it_kept(rise, upright):
    ink = lined(rise)
    cleaned = remove_ruled_lines(ink.T).T if upright else remove_ruled_lines(ink)
    stroke = np.zeros(ink.shape, bool)
    stroke[30:90, 69:79] = True
    assert cleaned[~stroke].sum() < 0.05 * ink[~stroke].sum()
    np.testing.assert_allclose(cleaned[30:90, 70:78], 0.9, atol=0.01)


@pytest.mark.parametrize("rise", [0.0, 0.06, -0.6])
def test_lines_are_looked_for_wherever_one_could_be(rise, monkeypatch):
    rows, columns = np.mgrid[:120, :160]
    line = np.abs(rows - (60 + rise * (columns - 80))) < 1.5
    pages = [(line * level).astype(np.float32) for level in (0.015, 0.0199, 0.0201, 0.03, 0.3)]
    quick = [remove_ruled_lines(page) for page in pages]
    monkeypatch.setattr(ruled_lines, "_is_bare", lambda *_: False)
    for page, cleaned in zip(pages, quick, strict=True):
        np.testing.assert_array_equal(remove_ruled_lines(page), cleaned)


def test_a_short_dark_stroke_is_no_line():
    ink = np.zeros((120, 160), np.float32)
    ink[60:62, 40:110] = 0.9
    np.testing.assert_array_equal(remove_ruled_lines(ink), ink)


def test_small_pictures_are_left_alone():
    ink = np.zeros((99, 300), np.float32)
    ink[50] = 0.3
    assert remove_ruled_lines(ink) is ink


def tight(rng: np.random.Generator) -> np.ndarray:
    """Ink of a one, four, five or seven with straight strokes that end just inside its picture."""
    height = int(rng.integers(110, 420))
    width = max(100, int(height * rng.uniform(0.5, 1.3)))
    margin, pen = rng.uniform(0.015, 0.08), rng.uniform(1, max(1.5, 0.03 * height))
    x, lean = rng.uniform(0.5, 0.8), rng.uniform(-0.03, 0.03)
    shapes = [
        [[(x - lean, 0), (x + lean, 1)]],
        [[(0.5, 0.02), (0.1, 0.4), (0.95, 0.42)], [(x - lean, 0), (x + lean, 1)]],
        [[(1, lean), (0, 0), (0, 0.45), (0.6, 0.4), (0.9, 0.7), (0.6, 0.97), (0.1, 0.93)]],
        [[(0, 0.03), (1, 0.03 + lean), (0.4, 1)], [(0.3, 0.5), (0.9, 0.5)]],
    ]
    canvas = Image.new("L", (3 * width, 3 * height))
    inner = np.array([3 * width, 3 * height]) * (1 - 2 * margin)
    for stroke in shapes[rng.integers(len(shapes))]:
        points = [tuple(np.abs(p) * inner + 3 * margin * np.array([width, height])) for p in stroke]
        ImageDraw.Draw(canvas).line(points, 255, max(1, round(3 * pen)), "curve")
    small = canvas.resize((width, height), Image.Resampling.BOX)
    return 0.8 * np.asarray(small, np.float32) / 255


def test_straight_strokes_that_end_inside_a_tight_picture_are_kept():
    """A stem as long as the picture was taken for a ruling, and a four read as what was left."""
    rng = np.random.default_rng(1)
    for _ in range(40):
        ink = tight(rng)
        stroke = ink > 0.5
        assert (remove_ruled_lines(ink)[stroke] > 0.25).mean() > 0.97


def small_page(digit: int) -> np.ndarray:
    return place([draw_digit(digit, 95, 0.06)], 153, 140)


@pytest.mark.parametrize("digit", range(10))
def test_a_black_pen_on_lines_that_add_a_colour_is_dark_in_every_channel(digit):
    """A line that is brighter than its paper in blue made black strokes light there."""
    rng = np.random.default_rng(digit)
    paper = int(rng.integers(185, 230))
    line = np.roll([paper - 90, paper - 40, min(255, paper + 30)], digit)
    scene = Scene(
        paper=(paper,) * 3,
        pen=(int(rng.integers(10, 60)),) * 3,
        ruling=tuple(map(int, line)),
        spacing=float(rng.uniform(0.1, 0.3)),
        squared=bool(digit % 2),
    )
    assert likeness(extract_digit(photograph(small_page(digit), scene)).image, clean(digit)) > 0.85


@pytest.mark.parametrize("digit", range(10))
def test_colours_that_jpeg_adds_to_a_grey_photo_tell_nothing(digit):
    for quality in (25, 45, 65):
        scene = Scene(paper=(250,) * 3, pen=(20,) * 3, grain=5, jpeg=quality)
        picture = photograph(small_page(digit), scene, seed=quality)
        assert likeness(extract_digit(picture).image, clean(digit)) > 0.85


@pytest.mark.parametrize("spacing", [0.045, 0.06, 0.08, 0.1])
def test_the_slopes_of_dense_squares_are_no_grain(spacing):
    """They were, and a sharp digit on them was no sharper than its paper."""
    for digit in range(10):
        scene = Scene((236, 238, 230), (50, 50, 55), (60, 100, 160), spacing, squared=True)
        page, _ = pipeline._interpret(photograph(small_page(digit), scene))
        assert page.sharpness > 2 * constants.LEAST_SHARPNESS


def test_no_line_is_lost_where_paths_are_not_looked_at(monkeypatch):
    """Wherever a line crosses the picture, or a corner of it, beside strokes of all sizes."""
    rng = np.random.default_rng(2)
    pages = []
    for height, width in [(110, 300), (300, 110), (160, 200)] * 12:
        rows, columns = np.mgrid[:height, :width]
        start, rise = rng.uniform(-0.1 * width, height), rng.uniform(-0.1, 0.1)
        page = 0.3 * (np.abs(rows - (start + rise * columns)) < 1)
        top, left = rng.integers(0, height - 60), rng.integers(0, width - 60)
        page[top : top + rng.integers(10, 60), left : left + rng.integers(10, 60)] = 0.9
        pages.append(page.astype(np.float32))
    quick = [remove_ruled_lines(page) for page in pages]
    assert sum(cleaned is page for cleaned, page in zip(quick, pages, strict=True)) > 5
    monkeypatch.setattr(ruled_lines, "_is_bare", lambda *_: False)
    for page, cleaned in zip(pages, quick, strict=True):
        np.testing.assert_array_equal(remove_ruled_lines(page), cleaned)


def test_paths_are_not_looked_at_on_a_page_with_a_digit_alone(monkeypatch):
    looked_at = []
    monkeypatch.setattr(ruled_lines, "_strengths", lambda *_: looked_at.append(1))
    page = np.pad(0.9 * draw_digit(8, 200), 60)
    assert remove_ruled_lines(page) is page
    assert not looked_at
