"""Images made harder to read: by amounts that mean what they say, and not at all by 0."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.common.rng import generator
from mlp.data.disturb import DISTURBANCES, add_noise, thicken, turn

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 7, 5)).astype(np.uint8)
DOT = np.zeros((1, 7, 7), np.uint8)
DOT[0, 3, 3] = 200


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_amounts_rise_and_0_changes_nothing(kind: str) -> None:
    disturbance = DISTURBANCES[kind]
    assert 0 in disturbance.amounts
    assert sorted(set(disturbance.amounts)) == list(disturbance.amounts)
    same = disturbance.apply(IMAGES, 0, generator(0, "disturb"))
    np.testing.assert_array_equal(same, IMAGES)
    for amount in disturbance.amounts:
        before = IMAGES.copy()
        found = disturbance.apply(IMAGES, amount, generator(0, "disturb"))
        assert (found.dtype, found.shape) == (IMAGES.dtype, IMAGES.shape)
        np.testing.assert_array_equal(IMAGES, before)


def test_a_quarter_turn_is_clockwise_and_exact() -> None:
    square = IMAGES[:, :5]
    np.testing.assert_array_equal(turn(square, 90), np.rot90(square, -1, axes=(1, 2)))
    np.testing.assert_array_equal(turn(square, -90), np.rot90(square, 1, axes=(1, 2)))
    np.testing.assert_array_equal(turn(IMAGES, 180), IMAGES[:, ::-1, ::-1])
    np.testing.assert_array_equal(turn(IMAGES, 360), IMAGES)


def test_a_turn_interpolates_and_brings_paper_in() -> None:
    turned = turn(np.full((1, 9, 9), 255, np.uint8), 45)[0]
    assert turned[4, 4] == 255
    assert turned[0, 0] == 0
    assert 0 < turned[1, 1] < 255


def test_strokes_get_thicker_by_pixels_and_parts_of_them() -> None:
    cross = thicken(DOT, 1)[0]
    assert (cross == 200).sum() == 5
    assert cross[3, 2] == cross[2, 3] == 200
    part = thicken(DOT, 1.25)[0]
    assert (part == 50).sum() == 8
    assert (part == 200).sum() == 5


def test_strokes_get_thinner() -> None:
    blot = np.zeros((1, 7, 7), np.uint8)
    blot[0, 2:5, 2:5] = 100
    assert (thicken(blot, -1)[0] == 100).sum() == 1
    assert thicken(blot, -2).max() == 0
    assert (thicken(blot, -0.5)[0] == 50).sum() == 8
    assert thicken(np.full((1, 3, 3), 9, np.uint8), -1)[0, 0, 0] == 0, "paper lies around"


def test_noise_has_its_deviation_and_stays_within_the_bytes() -> None:
    grey = np.full((50, 28, 28), 128, np.uint8)
    noisy = add_noise(grey, 0.1, generator(0, "disturb")).astype(float)
    assert noisy.mean() == pytest.approx(128, abs=0.5)
    assert noisy.std() == pytest.approx(25.5, rel=0.02)
    much = add_noise(grey, 2.0, generator(0, "disturb"))
    assert (much.min(), much.max()) == (0, 255)
