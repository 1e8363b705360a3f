"""Blank pages hold no digit, whatever their grain and shadows; a digit in heavy grain is one."""

from __future__ import annotations

import numpy as np
import pytest
from hard_pictures import (
    BLUE_LINES,
    Scene,
    clean,
    draw_digit,
    likeness,
    page_of,
    photograph,
    place,
)
from PIL import Image, ImageFilter

from mlp.handwriting import NoDigit, crop_digits, extract_digit, extract_digits
from mlp.handwriting.components import connected_components, parts_of
from mlp.handwriting.sharpness import measure_sharpness


@pytest.mark.parametrize("paper", [(250, 250, 248), (170, 168, 160), (35, 55, 45)])
@pytest.mark.parametrize("grain", [2, 20])
@pytest.mark.parametrize("ruling", [None, BLUE_LINES])
def test_a_blank_page_has_nothing_to_read(paper, grain, ruling):
    scene = Scene(paper=paper, grain=grain, light=0.3, ruling=ruling, tilt=0.01)
    blank = photograph(np.zeros((180, 240), np.float32), scene)
    with pytest.raises(NoDigit, match="nothing to read"):
        extract_digit(blank)
    assert crop_digits(blank) == []


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("paper", [(250, 250, 248), (170, 168, 160)])
@pytest.mark.parametrize("ruling", [None, BLUE_LINES, (60, 60, 60)])
@pytest.mark.parametrize("shadow", [0.3, 0.5, 0.65])
def test_half_a_blank_page_in_the_shade_has_nothing_to_read(paper, ruling, shadow, seed):
    scene = Scene(paper=paper, ruling=ruling, shadow=shadow, light=0.2, grain=3, tilt=0.02)
    assert crop_digits(photograph(np.zeros((240, 320), np.float32), scene, seed)) == []


@pytest.mark.parametrize("seed", range(6))
def test_a_shadow_hides_no_digit_of_a_row(seed):
    page = page_of(4, 0, 7, 5, height=48, gap=19)
    picture = photograph(page, Scene(grain=2)).astype(np.float32)
    picture[:, 80 + 32 * seed :] *= 0.45  # a hard shadow between digits or across one
    assert len(extract_digits(picture.astype(np.uint8))) == 4


@pytest.mark.parametrize("scene", [Scene(grain=40, light=0.4), Scene(blur=6, grain=2)])
@pytest.mark.parametrize("digit", [3, 8])
def test_heavy_grain_and_blur_hide_no_digit(digit, scene):
    picture = photograph(place([draw_digit(digit, 173, 0.12)], 400, 533), scene)
    assert likeness(extract_digit(picture).image, clean(digit)) > 0.85


def sharpness_of(page: np.ndarray, pen: float = 3) -> float:
    """That of a shape, 0 to 1, drawn in black on white."""
    labels = connected_components(page > 0.5)
    grey = (255 - 200 * page).astype(np.float32)
    return measure_sharpness(grey, labels, parts_of(labels), pen)[0]


def test_blur_takes_sharpness_and_a_wide_pen_gives_it_back():
    square = np.zeros((80, 80))
    square[30:50, 30:50] = 1
    soft = np.zeros((80, 80))
    for inset in range(10):
        soft[25 + inset : 55 - inset, 25 + inset : 55 - inset] = (inset + 1) / 10
    assert sharpness_of(square) > 3 * sharpness_of(soft) > 0
    assert sharpness_of(soft, pen=12) > 1.5 * sharpness_of(soft)


def test_grain_takes_sharpness():
    square = np.zeros((80, 80))
    square[30:50, 30:50] = 1
    noise = np.random.default_rng(4).random((80, 80)) * 0.2
    assert sharpness_of(square) > 3 * sharpness_of(np.maximum(square, noise))


def test_nothing_is_gained_where_the_picture_ends():
    half = np.zeros((80, 80))
    half[:, :40] = 1  # steep on one of four sides
    assert sharpness_of(half) < 1


def test_a_part_that_the_small_copy_has_lost_has_no_sharpness():
    dot = np.zeros((80, 80))
    dot[41, 41] = 1
    assert sharpness_of(dot, pen=60) == 0


@pytest.mark.parametrize("digit", [0, 3, 6, 8, 9])
@pytest.mark.parametrize("height", [60, 90])
def test_a_blurred_digit_that_fills_the_frame_is_no_grain(digit, height):
    """Its own soft edges were most of the picture, and were taken for the paper's grain."""
    drawn = np.pad(draw_digit(digit, height, 0.12), 8) * 255  # 255 is ink
    blur = ImageFilter.GaussianBlur(height / 16)
    soft = np.asarray(Image.fromarray(drawn.astype(np.uint8)).filter(blur), np.float32)
    faint = (155 - soft * 0.3).astype(np.uint8)
    assert likeness(extract_digit(faint).image, clean(digit)) > 0.8
