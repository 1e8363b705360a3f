"""What is in MNIST's form already stays as it is, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.data.load import load_dataset
from mlp.data.synthetic import draw_digits
from mlp.handwriting import extract_digit
from mlp.handwriting.normalise import to_mnist_format

DRAWN = draw_digits(60, 3).images


def kept(pictures: np.ndarray, images: np.ndarray) -> float:
    """The share of pictures of which exactly these images are made."""
    found = [
        np.array_equal(extract_digit(p).image, i) for p, i in zip(pictures, images, strict=True)
    ]
    return float(np.mean(found))


@pytest.mark.parametrize("inverted", [False, True])
def test_an_image_in_mnists_form_comes_out_as_it_went_in(inverted: bool) -> None:
    assert kept(~DRAWN if inverted else DRAWN, DRAWN) > 0.9


@pytest.mark.mnist
def test_mnists_images_come_out_as_they_went_in() -> None:
    images = load_dataset("mnist").test.images[:100]
    assert kept(images, images) > 0.95


def test_the_grey_of_a_digit_elsewhere_is_kept_around_its_middle() -> None:
    for image in DRAWN[:20]:
        page = np.zeros((70, 50), np.uint8)
        page[33:61, 15:43] = image
        found = extract_digit(page).image
        rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        digit = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        rows, columns = (np.flatnonzero(found.any(axis=axis)) for axis in (1, 0))
        moved = found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if digit.shape == moved.shape:
            np.testing.assert_array_equal(moved, digit)
        mass = found.astype(float)
        for axis in (0, 1):
            assert abs(mass.sum(axis=1 - axis) @ np.arange(28) / mass.sum() - 13.5) <= 0.51


@pytest.mark.parametrize("deviation", [0.3, 0.6, 1.0])
def test_fine_grain_is_none_of_the_digit(deviation: float) -> None:
    """Or its frame would reach to the grain around it, and its centre of mass be off."""
    rng = np.random.default_rng(0)
    for image in DRAWN[:20]:
        page = np.full((70, 50), 230, float)
        page[33:61, 15:43] *= 1 - image / 255
        clean = extract_digit(page.round().astype(np.uint8)).image.astype(int)
        grainy = (page + rng.normal(0, deviation, page.shape)).round().clip(0, 255)
        found = extract_digit(grainy.astype(np.uint8)).image.astype(int)
        assert np.abs(found - clean).max() <= 16


def test_a_faint_pen_is_made_as_dark_as_mnists() -> None:
    for image in DRAWN[:20]:
        faint = (255 - image * 0.5).round().astype(np.uint8)
        found = extract_digit(faint).image.astype(int)
        assert found.max() == 255
        assert np.abs(found - image).mean() < 3


def jagged(image: np.ndarray) -> np.ndarray:
    return np.where(image > 127, np.uint8(255), np.uint8(0))


def grainy(image: np.ndarray) -> np.ndarray:
    grain = np.random.default_rng(0).normal(40, 12, image.shape)
    return np.maximum(image, grain.clip(0, 255).astype(np.uint8))


def doubled(image: np.ndarray) -> np.ndarray:
    return image.repeat(2, axis=0).repeat(2, axis=1)


@pytest.mark.parametrize("change", [jagged, grainy, doubled])
def test_what_has_another_form_is_brought_to_it(change) -> None:
    for image in DRAWN[:10]:
        digit = extract_digit(change(image))
        redrawn = to_mnist_format(digit.stages["digit"])[0]
        np.testing.assert_array_equal(digit.image, redrawn)
