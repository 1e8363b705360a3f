"""The range of pixels that a model is asked about: its own, another that is told, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.inputs import WIDEST_GAP, Pixels, full_range

SHARES = Pixels(0.0, 1.0)
"""Floats from 0 to 1, which are the same for every model whose paper is 0."""

PALE = 1.5
"""Images whose full scale is less than the model's by this factor are worth a remark."""


def range_for(values: NDArray[Any], inputs: Pixels, source: str) -> tuple[Pixels, str | None]:
    """Find what images are to be taken as by a model; `Pixels.apply` refuses what is outside it.

    Args:
        values: bool, integers or floats, of any shape.
        inputs: the range that the model was trained on.
        source: where they are, for the messages.

    Returns:
        The range, and a sentence if it is much wider than the values, None if it is not.

    Raises:
        DataError: if they are far from filling the model's range, so that they are of another.
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
    if narrow or (inputs.low < 0 <= low):
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


def _paler(low: float, high: float, inputs: Pixels, source: str) -> str | None:
    if low == high or inputs.high - inputs.low < PALE * (high - low):
        return None
    return (
        f"the pixels of {source} go from {low:g} to {high:g}, where the model was trained on "
        f"{inputs.low:g} to {inputs.high:g}: they are read as paler ones"
    )
