"""Plain and tiny pictures, as drawing programs make them, end in an answer or a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hard_pictures import clean, likeness
from PIL import Image, ImageDraw
from plain_pictures import bars, flat_pictures

from mlp.common.errors import DataError
from mlp.handwriting import extract_digit, extract_digits
from mlp.handwriting.constants import MOST_DIGITS
from mlp.handwriting.normalise import to_mnist_format


def test_plain_straight_ones_are_extracted() -> None:
    for picture in [*bars(900)][::20]:
        image = extract_digit(picture).image  # (28, 28)
        rows, columns = np.nonzero(image > 100)
        assert np.ptp(rows) >= 18
        assert np.ptp(columns) <= 8
        assert len(extract_digits(picture)) == 1


def test_flat_pictures_are_read_or_refused_in_a_sentence() -> None:
    for picture in flat_pictures(100):
        for extract in (extract_digit, extract_digits):
            try:
                extract(picture)
            except DataError as error:
                assert "\n" not in str(error)  # noqa: PT017


def test_many_tiny_digits_take_no_more_than_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A digit of a few pixels is enlarged with its margin, of which what is far off is cut."""
    page = Image.new("L", (44, 44), 255)
    draw = ImageDraw.Draw(page)
    for row in range(2, 38, 6):
        for column in range(2, 38, 6):
            draw.line((column, row, column, row + 4), fill=0)
    boards = []

    def keep(*given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        image, strokes = to_mnist_format(*given)
        boards.append(strokes.size)
        return image, strokes

    monkeypatch.setattr("mlp.handwriting.pipeline.to_mnist_format", keep)
    digits = extract_digits(np.asarray(page))
    assert len(digits) == len(boards) <= MOST_DIGITS
    assert max(boards) < 200 * 200  # MNIST's digit, six times as fine, and the margin
    for digit in digits[:3]:
        assert likeness(digit.image, clean(1)) > 0.5
