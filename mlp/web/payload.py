"""The digits of a picture, for JSON: the page's own network reads them."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.data.synthetic import load_synthetic
from mlp.handwriting import Digit, NoDigit, SeveralDigits, extract_digit, extract_digits

SAMPLES_DRAWN, SAMPLES_SEED = 100, 0
"""Of so many digits that the project draws, with a seed that draws each of the ten."""


def digits_payload(picture: NDArray[np.uint8]) -> dict[str, Any]:
    """Find the digits of a picture, of one digit or rows of them.

    Args:
        picture: as `mlp.handwriting.extract_digit` takes it.

    Returns:
        ``height`` and ``width`` of the picture; and ``digits``, in reading order: where each
        stands, ``box``, and what a network reads, ``image``, bytes in base 85.
    """
    try:
        digits = [extract_digit(picture)]
    except SeveralDigits:
        digits = extract_digits(picture)
    except NoDigit:
        digits = []
    height, width = picture.shape[:2]
    return {"height": height, "width": width, "digits": [_digit(digit) for digit in digits]}


@cache
def samples_payload() -> dict[str, list[str]]:
    """Draw a digit of each kind, for those with no pen at hand.

    Returns:
        ``samples``, those of 0 to 9 in order: each of 784 bytes in base 85.
    """
    split = load_synthetic(1, SAMPLES_DRAWN, SAMPLES_SEED).test
    first = [int((split.labels == digit).argmax()) for digit in range(10)]
    return {"samples": [_packed(split.images[row]) for row in first]}


def _digit(digit: Digit) -> dict[str, Any]:
    return {"box": vars(digit.box), "image": _packed(digit.image)}


def _packed(image: NDArray[np.uint8]) -> str:
    return base64.b85encode(image.tobytes()).decode("ascii")
