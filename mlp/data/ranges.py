"""The range of pixels that a model is asked about: its own, another that is told, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.evidence import FEWEST_ROWS
from mlp.data.inputs import Pixels
from mlp.data.scales import FULL_SCALES, WIDEST_GAP, full_range

SHARES = Pixels(0.0, 1.0)
"""Floats from 0 to 1, which are the same for every model whose paper is 0."""

PALE = 1.5
"""Images whose full scale is less than the model's by this factor are worth a remark."""

INK = 0.6
"""Images whose mean is more than this part of ink are worth a remark."""

SATURATED_GAP = 3.5
"""Many images that reach one full scale and go no further are of that scale, where the model's is
greater by this factor, as by two bits: pale ink varies, or ends at no such number."""

_LOOKED_AT = 1_000  # images, for how much ink there is


def range_for(values: NDArray[Any], inputs: Pixels, source: str) -> tuple[Pixels, str | None]:
    """Find what images are to be taken as by a model; `Pixels.apply` refuses what is outside it.

    Args:
        values: bool, integers or floats, shape (N, ...).
        inputs: the range that the model was trained on.
        source: where they are, for the messages.

    Returns:
        The range, and a sentence if it is much wider than the values, None if it is not.

    Raises:
        DataError: if they are far from filling the model's range, or many fill another, so that
            they are of that.
    """
    if values.dtype.kind == "b":
        return SHARES, None
    if not values.size or not (inputs.low <= values.min() and values.max() <= inputs.high):
        return inputs, None  # `Pixels.apply` says which row is outside, or has none
    low, high = full_range(values, source)
    if low == high:  # blank, in whatever range
        return inputs, None
    if values.dtype.kind == "f" and (low, high) == (0.0, 1.0) and inputs.low >= 0:
        return SHARES, None
    narrow = inputs.high - inputs.low >= WIDEST_GAP * (high - low)
    if narrow or (inputs.low < 0 <= low) or _are_of_a_narrower(values, inputs):
        numbers = "whole numbers" if inputs.low >= 0 and inputs.high > 1 else "numbers"
        others = ", floats from 0 to 1 or bools" if inputs.low >= 0 else " or bools"
        raise DataError(
            f"the pixels of {source} go from {values.min():g} to {values.max():g}, where the model "
            f"reads {numbers} from {inputs.low:g} to {inputs.high:g}{others}: bring them to that "
            "range"
        )
    return inputs, _paler(low, high, inputs, source)


def ranges_for(
    splits: Sequence[NDArray[Any]], inputs: Pixels, source: str
) -> list[tuple[Pixels, str | None]]:
    """Do what `range_for` does for each split of a dataset.

    Splits that make the model's range together, as those do that it was trained on, are of it.
    """
    try:
        together = Pixels.of(splits, (0, 0), source)
    except DataError:  # no range for both, but maybe one for each
        together = None
    if together is None or (together.low, together.high) != (inputs.low, inputs.high):
        return [range_for(values, inputs, source) for values in splits]
    return [(inputs, _paler(*full_range(split, source), inputs, source)) for split in splits]


def told_apart(train: NDArray[Any], test: NDArray[Any], inputs: Pixels, source: str) -> str | None:
    """Tell that the images to train on and those to test on fill one range differently.

    Args:
        train: bool, integers or floats, shape (N, ...).
        test: likewise.
        inputs: the range of both.
        source: where they are, for the messages.

    Returns:
        A sentence; None where they are alike.

    Raises:
        DataError: if many images of one split fill a range of their own.
    """
    ranges = [full_range(values, source) for values in (train, test)]
    if not any(_paler(low, high, inputs, source) for low, high in ranges):
        return None
    (low, high), (least, most) = ranges
    told = (
        f"the training images of {source} have pixels {low:g} to {high:g}, and the test images "
        f"{least:g} to {most:g}"
    )
    if any(_are_of_a_narrower(values, inputs) for values in (train, test)):
        raise DataError(f"{told}: bring all of them to one range")
    return f"{told}: the one are read as paler than the other"


def told_inverted(pixels: NDArray[Any], source: str) -> str | None:
    """Tell that many images are mostly ink.

    Args:
        pixels: uint8, shape (N, ...), as a model takes them.
        source: where they are, for the message.
    """
    if (
        len(pixels) < FEWEST_ROWS
        or pixels.dtype != np.uint8
        or pixels[:_LOOKED_AT].mean() < INK * 255
    ):
        return None
    return (
        f"the pixels of {source} are mostly ink, as 0 is paper and 255 is ink: invert them, unless "
        "the model was trained on such"
    )


def _are_of_a_narrower(values: NDArray[Any], inputs: Pixels) -> bool:
    """Whether most of many images reach one full scale exactly, which is far below the model's."""
    high = values.max()
    if inputs.low != 0 or high not in FULL_SCALES or inputs.high < SATURATED_GAP * high:
        return False
    tops = values.reshape(len(values), -1).max(axis=1)  # (N,)
    there = np.count_nonzero(tops)  # the others are blank
    return bool(there >= FEWEST_ROWS and 2 * np.count_nonzero(tops == high) > there)


def _paler(low: float, high: float, inputs: Pixels, source: str) -> str | None:
    if low == high or inputs.high - inputs.low < PALE * (high - low):
        return None
    return (
        f"the pixels of {source} go from {low:g} to {high:g}, where the model was trained on "
        f"{inputs.low:g} to {inputs.high:g}: they are read as paler ones"
    )
