"""Images of digits, in half blocks and in greys."""

from __future__ import annotations

import numpy as np
from screens import NAMES, plain

from mlp.view.digit import draw_digit, draw_digits
from mlp.view.screen import Screen


def test_a_wide_screen_is_used() -> None:
    images = np.zeros((6, 28, 28), np.uint8)
    rows = [len(draw_digits(images, NAMES[:6], Screen(width))) for width in (40, 80, 200)]
    assert rows == [6 * 16 - 1, 3 * 16 - 1, 15]


def test_half_blocks_show_two_pixels_a_character() -> None:
    image = np.array([[0, 255, 0, 255], [0, 0, 255, 255]], np.uint8)
    assert plain(draw_digit(image, Screen())) == [" ▀▄█"]
    assert plain(draw_digit(image, Screen(), negative=True)) == ["█▄▀ "]
    assert plain(draw_digit(image[:1], Screen())) == [" ▀ ▀"]


def test_greys_give_each_pixel_two_characters_of_five_shades() -> None:
    image = np.array([[0, 60, 128, 180, 255]], np.uint8)
    assert plain(draw_digit(image, Screen(), "greys")) == ["  ░░▒▒▓▓██"]
    assert plain(draw_digit(image, Screen(), "greys", negative=True)) == ["██▓▓▒▒░░  "]
    assert plain(draw_digit(image, Screen(encoding="ascii"), "greys")) == ["  ..::++##"]


def test_colours_are_the_pixels_greys() -> None:
    (line,) = draw_digit(np.array([[0], [51]], np.uint8), Screen(colour=True))
    style = line.spans[0].style
    assert style.color.triplet == (0, 0, 0)
    assert style.bgcolor.triplet == (51, 51, 51)
