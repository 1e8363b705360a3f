"""Ink is what a pen takes from the paper's light, whatever colours and light there are."""

from __future__ import annotations

import numpy as np
import pytest
from hard_pictures import Scene, clean, likeness, page_of, photograph

from mlp.handwriting import NoDigit, constants, extract_digit
from mlp.handwriting import ink as ink_module
from mlp.handwriting.ink import (
    absorbed_light,
    align_polarity,
    estimate_paper_colour,
    find_edge,
    grain_blur,
    in_light,
    otsu,
    pen_colour,
    quantile,
    remove_grain,
)


@pytest.mark.parametrize("width", [0.05, 0.16])
@pytest.mark.parametrize("digit", [4, 8, 9])
@pytest.mark.parametrize(
    ("paper", "pen"),
    [
        ((60, 120, 180), (240, 120, 20)),
        ((90, 160, 100), (220, 40, 50)),
        ((230, 20, 60), (60, 130, 40)),
        ((235, 150, 175), (70, 170, 220)),
    ],
)
def test_a_pen_that_is_lighter_in_one_colour_and_darker_in_another(digit, paper, pen, width):
    scene = Scene(paper=paper, pen=pen, grain=3, light=0.3)
    picture = photograph(page_of(digit, pen=width), scene)
    assert likeness(extract_digit(picture).image, clean(digit, width)) > 0.88


def test_a_shadow_on_white_paper_leaves_the_colours_alone():
    picture = photograph(page_of(3), Scene(pen=(190, 30, 40), shadow=0.5, grain=3))
    np.testing.assert_array_equal(align_polarity(picture), picture)


def test_the_channel_in_which_a_pen_is_lighter_is_inverted():
    picture = photograph(page_of(3), Scene(paper=(60, 120, 180), pen=(240, 120, 20)))
    aligned = align_polarity(picture)
    inverted = [not np.array_equal(aligned[..., i], picture[..., i]) for i in range(3)]
    assert inverted in ([True, False, False], [False, False, True])
    for channel in np.flatnonzero(inverted):
        np.testing.assert_array_equal(aligned[..., channel], ~picture[..., channel])


def test_paper_keeps_its_colour_and_its_shade_under_the_ink():
    scene = Scene(paper=(200, 180, 160), light=0.5)
    expected = photograph(np.zeros((240, 320), np.float32), scene)
    paper = estimate_paper_colour(photograph(page_of(8), scene))
    np.testing.assert_allclose(paper, expected, atol=12)
    assert paper.dtype == np.float32
    assert paper.min() >= 1


def test_ink_is_the_same_in_the_light_and_in_the_shade():
    light = np.full((1, 5, 3), 200, np.uint8)
    light[0, 2] = 50
    shade = light // 2
    in_light = absorbed_light(light, np.full(light.shape, 200, np.float32))
    np.testing.assert_allclose(in_light, [[0, 0, 0.75, 0, 0]])
    in_shade = absorbed_light(shade, np.full(shade.shape, 100, np.float32))
    np.testing.assert_allclose(in_shade, in_light)


def test_a_pens_colour_is_the_light_that_it_swallows():
    picture = np.full((3, 3, 3), 200, np.uint8)
    picture[1, 1] = (200, 100, 200)  # pink takes green
    weights = pen_colour(picture, np.full(picture.shape, 200, np.float32), picture[..., 1] < 200)
    assert weights.sum() == pytest.approx(1)
    assert weights.argmax() == 1
    assert weights[1] > 0.95


def test_a_grey_picture_has_the_ink_of_its_like_in_colour():
    grey = photograph(page_of(3), Scene(grain=4))[..., :1]
    colour = grey.repeat(3, axis=2)
    papers = [estimate_paper_colour(picture) for picture in (grey, colour)]
    np.testing.assert_array_equal(papers[0].repeat(3, axis=2), papers[1])
    inks = [absorbed_light(p, paper) for p, paper in zip((grey, colour), papers, strict=True)]
    np.testing.assert_allclose(*inks, atol=1e-6)
    assert pen_colour(grey, papers[0], inks[0] > 0.3) == 1


def test_brightness_in_a_light_is_the_weighted_sum_of_its_colours():
    picture = np.random.default_rng(6).integers(0, 256, (4, 5, 3), np.uint8)
    weights = np.array([0.2, 0.5, 0.3], np.float32)
    np.testing.assert_allclose(in_light(picture, weights), picture @ weights, rtol=1e-5)


def test_grain_is_taken_off_and_strokes_stay():
    rng = np.random.default_rng(2)
    ink = rng.random((60, 60)).astype(np.float32) * 0.1
    ink[20:40, 25:35] = 0.8
    smooth = remove_grain(ink, 1.5)
    assert float(np.median(smooth)) == pytest.approx(0, abs=1e-3)
    assert smooth[30, 30] > 0.7


@pytest.mark.parametrize("pen", [0.2, 0.9])
def test_the_edge_of_ink_is_about_halfway_into_a_stroke(pen):
    ink = np.zeros((40, 40), np.float32)
    ink[10:30, 15:22] = pen
    ink[10:30, [14, 22]] = pen / 2
    assert 0.4 * pen < find_edge(ink) < 0.6 * pen


@pytest.mark.parametrize("level", [0.0, 0.04])
def test_what_is_fainter_than_any_pen_has_no_edge(level):
    ink = np.zeros((40, 40), np.float32)
    ink[10:30, 15:22] = level
    with pytest.raises(NoDigit):
        find_edge(ink)


def test_otsu_parts_two_heaps():
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.normal(0.2, 0.05, 900), rng.normal(0.8, 0.05, 100)])
    assert 0.3 < otsu(values.astype(np.float32)) < 0.7


@pytest.mark.parametrize("level", [0.0, 0.3, 1e-30, 0.999])
def test_otsu_takes_values_that_are_alike_but_for_rounding(level):
    values = np.full(100, level, np.float32)
    values[::2] = np.nextafter(values[::2], np.float32(1))
    assert (values > otsu(values)).all()
    assert (values[1::2] > otsu(values[1::2])).all()


def test_clean_paper_is_blurred_half_as_far_as_grainy_paper():
    """The loops of a tiny eight by a fat pen were blurred shut, where there was no grain at all."""
    clean_paper = np.zeros((40, 40), np.float32)
    clean_paper[10:30, 18:22] = 0.8
    grain = np.abs(np.random.default_rng(0).normal(0, 0.1, (40, 40))).astype(np.float32)
    blurs = [grain_blur(clean_paper + share * grain, 4.0) for share in (0, 0.05, 0.1, 1)]
    assert blurs == sorted(blurs)
    assert 0 < 2 * blurs[0] == pytest.approx(blurs[-1])
    assert grain_blur(clean_paper, 8.0) == 2 * blurs[0]


@pytest.mark.parametrize("size", [2, 5, 300, 5000])
def test_otsu_counts_as_a_histogram_does(size):
    values = np.random.default_rng(size).gamma(0.5, 0.2, size).astype(np.float32)
    counts, edges = np.histogram(values, constants.OTSU_BINS)
    below = np.cumsum(counts)[:-1]
    sums = np.cumsum(counts * ((edges[:-1] + edges[1:]) / 2))
    above = size - below
    apart = sums[:-1] / np.maximum(below, 1) - (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    assert otsu(values) == edges[1:-1][(below * above * apart**2.0).argmax()]


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.6])
@pytest.mark.parametrize("shape", [(1,), (2, 3), (40, 51)])
def test_quantiles_are_those_of_numpy(shape, share):
    values = np.random.default_rng(2).random(shape).astype(np.float32)
    assert quantile(values, share) == pytest.approx(np.quantile(values, share), rel=1e-6)


def test_ink_is_the_same_however_many_pixels_are_compared_at_a_time(monkeypatch):
    picture = photograph(page_of(8), Scene(grain=2))
    paper = estimate_paper_colour(picture)
    at_once = absorbed_light(picture, paper)
    monkeypatch.setattr(ink_module, "_CACHED", 1000)
    np.testing.assert_array_equal(absorbed_light(picture, paper), at_once)
