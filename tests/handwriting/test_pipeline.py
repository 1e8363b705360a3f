"""Pictures as people take them come out as MNIST would have drawn them, or with a clear reason."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hard_pictures import SCENES, Scene, clean, draw_digit, likeness, page_of, photograph
from PIL import Image

from mlp.common.errors import DataError
from mlp.handwriting import (
    NoDigit,
    SeveralDigits,
    constants,
    crop_digits,
    extract_digit,
    extract_digits,
    load_picture,
    pipeline,
)

# Hard pictures


@pytest.mark.parametrize("name", SCENES)
def test_every_scene_gives_the_clean_digit(name: str) -> None:
    digit = list(SCENES).index(name) % 10
    picture = photograph(page_of(digit), SCENES[name], seed=digit)
    assert likeness(extract_digit(picture).image, clean(digit)) > 0.88


@pytest.mark.parametrize("height", [20, 48, 200])
def test_size_in_the_frame_does_not_matter(height: int) -> None:
    picture = photograph(page_of(3, height=height), Scene(grain=2))
    assert likeness(extract_digit(picture).image, clean(3)) > 0.85


def test_a_photo_of_twelve_megapixels_takes_about_a_second(tmp_path: Path) -> None:
    picture = photograph(page_of(6), SCENES["squared"])
    photo = Image.fromarray(picture).resize((4000, 3000), Image.Resampling.BICUBIC)
    photo.save(tmp_path / "photo.jpg", quality=85)
    start = time.process_time()
    loaded = load_picture(tmp_path / "photo.jpg")
    digit = extract_digit(loaded)
    assert time.process_time() - start < 2.5  # of processor time, so that a busy machine passes
    assert max(loaded.shape) == constants.WORKING_SIDE
    assert likeness(digit.image, clean(6)) > 0.9


def test_both_polarities_give_the_same() -> None:
    picture = photograph(page_of(9), Scene(grain=2))
    assert likeness(extract_digit(picture).image, extract_digit(~picture).image) > 0.98


@pytest.mark.parametrize(
    ("name", "pen", "inverted"),
    [("plain", 0.02, False), ("blackboard", 0.1, False), ("shadow", 0.05, True)],
)
def test_a_glance_at_a_large_picture_tells_its_polarity(
    name: str, pen: float, inverted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = np.pad(draw_digit(0, 300, pen), 160)
    picture = photograph(page, SCENES[name], seed=4)
    picture = ~picture if inverted else picture
    find, looked_at = pipeline._find_page, []

    def watched(copy: np.ndarray) -> pipeline._Page | None:
        looked_at.append(max(copy.shape))
        return find(copy)

    monkeypatch.setattr(pipeline, "_find_page", watched)
    glanced = extract_digit(picture)
    longer = max(picture.shape)
    assert looked_at == [constants.GLANCE_SIDE] * 2 + [longer]
    looked_at.clear()
    monkeypatch.setattr(constants, "GLANCE_FROM", 100.0)
    in_full = extract_digit(picture)
    assert looked_at == [longer] * 2
    np.testing.assert_array_equal(glanced.image, in_full.image)


def test_what_is_not_clear_at_a_glance_is_looked_at_in_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture = photograph(np.pad(draw_digit(3, 300), 160), Scene(grain=2))
    find = pipeline._find_page
    small = constants.GLANCE_SIDE
    monkeypatch.setattr(
        pipeline, "_find_page", lambda copy: None if max(copy.shape) <= small else find(copy)
    )
    assert likeness(extract_digit(picture).image, clean(3)) > 0.9


@pytest.mark.parametrize("light", [False, True])
def test_a_tight_picture_of_28_pixels_survives(light: bool) -> None:
    picture = ~clean(8) if light else clean(8)
    assert likeness(extract_digit(picture).image, clean(8)) > 0.9


# What is told of a digit


def test_stages_are_planes_that_end_in_the_image() -> None:
    digit = extract_digit(photograph(page_of(2), SCENES["lined"]))
    assert next(iter(digit.stages)) == "picture"
    assert list(digit.stages)[-1] == "image"
    assert all(stage.ndim == 2 for stage in digit.stages.values())
    np.testing.assert_array_equal(digit.stages["image"], digit.image)
    lines = digit.stages["ink"].astype(float)[:, :16].mean()
    assert digit.stages["without rulings"].astype(float)[:, :16].mean() < 0.3 * lines


def test_the_box_is_in_the_pixels_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "WORKING_SIDE", 256)  # as if the picture had 1600 x 1200 pixels
    page = np.zeros((300, 400), np.float32)
    digit = draw_digit(5, 100)
    page[175 : 175 + digit.shape[0], 75 : 75 + digit.shape[1]] = digit
    box = extract_digit(photograph(page, Scene())).box
    rows, columns = np.nonzero(page > 0.5)
    expected = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    found = (box.top, box.left, box.bottom, box.right)
    np.testing.assert_allclose(found, expected, atol=6)


def test_the_callers_array_is_left_alone() -> None:
    picture = photograph(page_of(7), SCENES["shadow"])
    before = picture.copy()
    extract_digits(picture)
    np.testing.assert_array_equal(picture, before)


# One, none, several


@pytest.mark.parametrize("name", ["plain", "squared", "shadow", "blackboard"])
def test_a_row_is_extracted_and_cropped_left_to_right(name: str) -> None:
    digits = (4, 0, 7, 5)
    picture = photograph(page_of(*digits, height=64, gap=19), SCENES[name], seed=3)
    found = extract_digits(picture)
    assert len(found) == 4
    for digit, extracted in zip(digits, found, strict=True):
        assert likeness(extracted.image, clean(digit)) > 0.85
    crops = crop_digits(picture)
    assert [crop.ndim for crop in crops] == [3] * 4
    assert all(56 < crop.shape[0] < 80 for crop in crops)


def test_several_digits_are_counted() -> None:
    with pytest.raises(SeveralDigits, match="3 digits") as caught:
        extract_digit(photograph(page_of(1, 2, 3, height=72), Scene(grain=2)))
    assert caught.value.count == 3
    assert isinstance(caught.value, DataError)


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 500), (500, 1, 3), (2, 3, 4), (28, 28), (5, 2000, 3)]
)
def test_flat_pictures_of_odd_shapes_have_nothing_to_read(
    shape: tuple[int, ...], level: int
) -> None:
    with pytest.raises(NoDigit):
        extract_digit(np.full(shape, level, np.uint8))


@pytest.mark.parametrize("shape", [(0, 5), (5, 5, 2), (5, 5, 3, 1), (7,)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="uint8 of shape"):
        extract_digit(np.zeros(shape, np.uint8))


def test_levels_that_are_no_bytes_are_refused() -> None:
    with pytest.raises(DataError, match="float"):
        extract_digit(np.zeros((28, 28)))
