"""The format is that of MNIST: box, centre of mass, width of strokes, grey edges."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_pictures import cover
from hard_pictures import Scene, clean, likeness, page_of, photograph
from PIL import Image, ImageDraw

from mlp.data.strokes import skeletons
from mlp.data.synthetic import draw_lines
from mlp.handwriting import extract_digit
from mlp.handwriting.components import connected_components
from mlp.handwriting.constants import FINE, MNIST_DIGIT
from mlp.handwriting.normalise import count_parts, move_outline, stroke_width, to_mnist_format


@pytest.mark.parametrize("digit", range(10))
def test_the_format_is_that_of_mnist(digit):
    image = extract_digit(photograph(page_of(digit), Scene(grain=2))).image
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() > 230
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    mass = image.astype(float)
    for axis in (0, 1):
        assert abs(mass.sum(axis=1 - axis) @ np.arange(28) / mass.sum() - 13.5) <= 0.51
    assert ((image > 20) & (image < 235)).any()  # antialiased


@pytest.mark.parametrize("pen", [0.025, 0.05, 0.2])
def test_thin_and_fat_pens_come_near_the_width_of_mnist(pen):
    image = extract_digit(photograph(page_of(4, height=160, pen=pen), Scene(grain=2))).image
    assert likeness(image, clean(4)) > 0.85
    fine = np.asarray(Image.fromarray(image).resize((168, 168), Image.Resampling.BICUBIC)) > 127
    assert 1.7 < stroke_width(fine) / 6 < 3.2


@pytest.mark.parametrize("outwards", [-3.2, -1.0, -0.4, 0.0, 0.7, 1.5, 4.0, 30.0])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_an_outline_moves_by_the_distance_to_the_nearest_pixel(outwards, share):
    mask = np.random.default_rng(6).random((9, 13)) < share
    inside, outside = np.argwhere(mask), np.argwhere(~mask)
    signed = np.array(
        [
            [
                0.5 - np.hypot(*(outside - (y, x)).T).min()
                if mask[y, x]
                else np.hypot(*(inside - (y, x)).T).min() - 0.5
                for x in range(13)
            ]
            for y in range(9)
        ]
    )
    np.testing.assert_array_equal(move_outline(mask, outwards), signed <= outwards)


@pytest.mark.parametrize("angle", [0, 0.3, 0.8])
@pytest.mark.parametrize("width", [4, 12, 20])
def test_stroke_width_of_a_bar_at_any_angle(width, angle):
    y, x = np.mgrid[:300, :300] - 149.5
    across = np.abs(x * np.cos(angle) + y * np.sin(angle))
    along = np.abs(y * np.cos(angle) - x * np.sin(angle))
    bar = (across <= width / 2) & (along <= 120)
    assert stroke_width(bar) == pytest.approx(width, rel=0.1)


def test_nothing_has_no_stroke_width():
    assert stroke_width(np.zeros((5, 5), bool)) == 0


def draw_line(style: int, side: int, width: int, size: float) -> np.ndarray:
    """Draw one of the pen's styles, ``size`` pixels large, on a canvas of ``side`` pixels."""
    shapes = skeletons()
    picked = shapes.waypoints[:, :, style][shapes.knots[:, :, style]]  # (4, P, 2)
    points = (picked * shapes.weights[:, :, style, None]).sum(axis=0) * size / 2 + side / 2
    canvas = Image.new("L", (side, side), 255)
    ImageDraw.Draw(canvas).line([tuple(p) for p in points], 0, width, "curve")
    return np.asarray(canvas)


@pytest.mark.parametrize("side", [28, 100, 400, 1080, 2000, 4000])
def test_a_connected_stroke_stays_connected_whatever_its_width(side):
    """A thin pen on a large canvas left gaps, and an eight was read as a three."""
    in_one_line = [n for n, digit in enumerate(skeletons().digits) if digit in (0, 2, 3, 6)]
    rng = np.random.default_rng(side)
    drawn = 0
    for width in (1, 2, 3, 5, 9, 20, 60):
        style, size = int(rng.choice(in_one_line)), side * rng.uniform(0.4, 0.8)
        if not size / 500 < width < size / 6:
            continue
        picture = draw_line(style, side, width, size)
        assert count_parts(picture < 128) == 1
        stages = extract_digit(picture).stages
        parts = {
            name: count_parts(stages[name] > stages[name].max() * level)
            for name, level in {"threshold": 0.5, "digit": 0.5, "strokes": 0.5, "image": 0}.items()
        }
        assert parts == dict.fromkeys(parts, 1), (width, style, size)
        drawn += 1
    assert drawn >= 2


def test_narrowing_leaves_a_stroke_of_uneven_width_in_one_piece():
    soft = np.zeros((160, 80), np.float32)
    soft[5:65, 10:70] = soft[95:155, 10:70] = 1
    soft[65:95, 36:44] = 1  # narrower than what narrowing the rest takes away
    image, strokes = to_mnist_format(soft)
    assert count_parts(strokes) == count_parts(image > 0) == 1


def loops(mask: np.ndarray, least: float) -> int:
    """How many pieces of paper of so many pixels strokes enclose."""
    labels = connected_components(~np.pad(mask, 1))
    return int((np.bincount(labels.ravel())[1:] >= least).sum()) - 1


def test_a_loop_of_a_pixel_stays_open():
    """However small the loop of a nine or a six is, it tells them from a three and a five."""
    rng, found = np.random.default_rng(9), 0
    for drawing in draw_lines(500, 5, "continental")[:60]:
        size = rng.uniform(60, 200)
        coverage = cover(drawing, size, size * rng.uniform(0.02, 0.14), (int(1.3 * size),) * 2)
        drawn = loops(coverage > 0.5, (size / MNIST_DIGIT) ** 2)
        assert loops(to_mnist_format(coverage)[1], FINE) >= drawn
        found += drawn
    assert found > 15


def test_a_small_and_blurred_digit_is_read_as_the_sharp_one():
    rng = np.random.default_rng(8)
    for seed, drawing in enumerate(draw_lines(500, 21, "continental")[:12]):
        side = int(rng.integers(36, 110))
        pen = 0.09 * side * rng.uniform(0.6, 1)
        coverage = cover(drawing, 0.7 * side, pen, (side, side))
        level = int(rng.integers(20, 120))
        scene = Scene((235,) * 3, (level,) * 3, blur=pen * rng.uniform(0.2, 0.8), grain=2)
        image = extract_digit(photograph(coverage, scene, seed)).image
        assert likeness(image, to_mnist_format(coverage)[0]) > 0.75
