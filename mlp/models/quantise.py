"""Weights as whole numbers of eight bits: a quarter of float32, for a price in accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 127
"""The largest whole number; -128 is left out, so that the levels lie symmetrically about 0."""


def quantise(W: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[Any]]:
    """Round each unit's weights to whole multiples of a scale of its own: W ≈ q · scale.

    The scale is that at which the largest weight becomes `LEVELS`, so no weight moves by more than
    half of it. Source: Krishnamoorthi, Quantizing deep convolutional networks for efficient
    inference (2018), sections 2.2 and 3.1, the symmetric quantiser per channel.

    Args:
        W: of shape (I, O), float32 or float64.

    Returns:
        q of shape (I, O), and scale of shape (O,) in W's dtype.
    """
    largest = np.abs(W).max(axis=0)  # (O,)
    scale = (largest / LEVELS).astype(W.dtype)
    scale[scale == 0] = 1  # of a unit whose weights are 0, or as good as
    return np.clip(np.rint(W / scale), -LEVELS, LEVELS).astype(np.int8), scale
