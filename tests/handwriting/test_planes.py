"""The copy that is worked on: its size, its channels, and how often it is gone through."""

from __future__ import annotations

import numpy as np
import pytest
from hard_pictures import Scene, draw_digit, page_of, photograph

from mlp.handwriting import constants, extract_digit, pipeline
from mlp.handwriting.planes import brightness, working_copies

COLOUR = photograph(page_of(5), Scene(pen=(30, 40, 160), grain=2))


def test_a_grey_picture_has_one_channel_and_one_in_colour_three() -> None:
    grey = COLOUR[..., 0]
    for picture in (grey, np.repeat(grey[..., None], 3, axis=2)):
        (copy,), scale = working_copies(picture)
        np.testing.assert_array_equal(copy, grey[..., None])
        assert scale == 1
    (*_, copy), _ = working_copies(COLOUR)
    np.testing.assert_array_equal(copy, COLOUR)
    assert all(copy[..., channel].flags.c_contiguous for channel in range(3))


def test_channels_in_which_the_pen_is_lighter_are_inverted() -> None:
    pen = np.pad(draw_digit(5, 120), 20)[..., None]
    picture = ((60, 120, 180) * (1 - pen) + (240, 120, 20) * pen).round().astype(np.uint8)
    (copy, *_), _ = working_copies(picture)
    ink = pen[..., 0] > 0.9
    darker = [copy[ink, channel].mean() < copy[0, 0, channel] for channel in (0, 2)]
    assert darker[0] == darker[1]


def test_a_large_picture_is_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "WORKING_SIDE", 100)
    for picture in (COLOUR, COLOUR[..., 0]):
        (*_, copy), scale = working_copies(picture)
        assert max(copy.shape) == 100
        assert scale == max(COLOUR.shape) / 100


@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_is_the_mean_of_the_channels(channels: int) -> None:
    picture = COLOUR[..., :channels]
    bright = brightness(picture)
    assert bright.dtype == np.float32
    np.testing.assert_array_equal(bright, picture.mean(axis=2, dtype=np.float32))


@pytest.mark.parametrize(("pen", "once"), [(0.2, True), (0.03, False)])
def test_the_paper_of_a_small_picture_is_estimated_once_under_wide_strokes(
    pen: float, once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its pen's width it would be estimated just as before that was known."""
    estimate, estimated = pipeline.estimate_paper_colour, []

    def watched(*arguments: object) -> np.ndarray:
        estimated.append(arguments)
        return estimate(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "estimate_paper_colour", watched)
    extract_digit((255 - 255 * np.pad(draw_digit(4, 120, pen), 20)).astype(np.uint8))
    papers = [len(arguments) for arguments in estimated]
    assert papers[0] == 1
    assert (2 not in papers[:2]) is once
