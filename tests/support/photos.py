"""Photos of digits side by side, as ``mlp predict`` is given them."""

from __future__ import annotations

from hard_pictures import Scene, draw_digit, photograph, place
from PIL import Image

DIGITS = (2, 3, 4, 7)


PHOTO = Scene(paper=(206, 204, 196), pen=(40, 60, 170), light=0.2, grain=3.0)


def picture(*digits: int) -> Image.Image:
    """A photo of digits side by side."""
    drawn = [draw_digit(digit, 110) for digit in digits]
    return Image.fromarray(photograph(place(drawn, 180, 130 * len(digits) + 60, 30), PHOTO))
