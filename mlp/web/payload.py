"""The digits of a picture, for JSON: the page's own network reads them."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.handwriting import Digit, NoDigit, SeveralDigits, extract_digit, extract_digits


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


def _digit(digit: Digit) -> dict[str, Any]:
    image = base64.b85encode(digit.image.tobytes()).decode("ascii")
    return {"box": vars(digit.box), "image": image}
