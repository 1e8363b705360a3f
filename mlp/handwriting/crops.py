"""Digits cut out of rows of handwriting, as they were photographed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp.handwriting.errors import NoDigit
from mlp.handwriting.pipeline import extract_digits


def crop_digits(picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Crop the digits out of rows of handwriting, in reading order and the picture's own colours.

    Args:
        picture: as for `mlp.handwriting.extract_digit`.

    Returns:
        One uint8 array for each digit, with the picture's number of axes; none on a blank page.
    """
    try:
        boxes = [digit.box for digit in extract_digits(picture)]
    except NoDigit:
        return []
    return [picture[box.top : box.bottom, box.left : box.right] for box in boxes]
