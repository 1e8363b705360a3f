"""What the pipeline makes of one digit of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlp.handwriting.components import Box


@dataclass(frozen=True)
class Digit:
    """One digit of a picture, as a network trained on MNIST expects it.

    Attributes:
        image: uint8, shape (28, 28), 0 is paper and 255 is ink.
        box: where the digit stands in the picture, in its pixels.
        stages: what each step made of the picture, in order, by name; 2-D arrays of which the
            largest value is ink, of float32, bool or uint8.
        views: the digit written otherwise, uint8 of shape (V, 28, 28); see
            `mlp.handwriting.views.draw_views`.
        left_out: the ink near it that was taken for no part of any digit, as a share of its own.
        pieces: how many connected components it is made of.
        softness: how many of its pixels are an edge's soft ones, as a share of those inside it.
    """

    image: NDArray[np.uint8]
    box: Box
    stages: dict[str, NDArray[np.generic]]
    views: NDArray[np.uint8]
    left_out: float
    pieces: int
    softness: float
