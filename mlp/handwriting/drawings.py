"""Pictures of handwriting to train on: brought to MNIST's form as those that are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlp.data.formats.pictures import PREPARATIONS
from mlp.handwriting.load import load_picture
from mlp.handwriting.pipeline import extract_digit


@PREPARATIONS.register("handwriting")
def prepare_drawing(path: Path) -> NDArray[np.uint8]:
    """Extract the one digit of a picture, uint8 of shape (28, 28).

    Raises:
        DataError: if it is no picture, or not one of one digit.
    """
    return extract_digit(load_picture(path)).image
