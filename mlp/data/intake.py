"""The values of new rows, taken chunk by chunk as the model takes those it was trained on."""

from __future__ import annotations

from math import prod
from typing import Any

from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.arrange import arrange
from mlp.data.inputs import Columns, Inputs, Numbers, Pixels
from mlp.data.interpret import as_images
from mlp.data.ranges import range_for, told_inverted
from mlp.data.raw import RawSplit
from mlp.data.unlike import told_unlike


class Intake:
    """Turns chunks of one file into what a network reads; one range holds for all of them.

    Args:
        inputs: what the model's values mean.
        width: how many of them it reads.
        source: where the rows are, for messages.
    """

    def __init__(self, inputs: Inputs, width: int, source: str) -> None:
        self._inputs, self._width, self._source = inputs, width, source
        self._range: Pixels | None = None  # of this file, once a chunk shows it
        self.remark: str | None = None
        """A sentence about a range that is narrower than the model's, ink, or columns that are
        unlike those that it has learnt from; None if there is none."""
        self._is_first = True

    def take(self, raw: RawSplit, numbers: Numbers | None = None) -> NDArray[Any]:
        """Take a chunk.

        Args:
            raw: the rows.
            numbers: the place of each in the file, for messages; shape (N,).

        Returns:
            uint8 pixels, or floats; shape (N, ...), with as many values a row as the model reads.

        Raises:
            DataError: if the rows are of another shape, or values of another range, than the
                model's, or one is missing.
        """
        if isinstance(self._inputs, Columns):
            features = arrange(raw, self._inputs, self._source)
            if self._is_first:
                self.remark = told_unlike(features, self._inputs, self._source)
                self._is_first = False
            return self._inputs.apply(features, self._source, numbers)
        pixels = self._inputs
        shape, expected = raw.features.shape[1:], pixels.shape
        if len(shape) == 1 and expected is None:
            shape = as_images(raw[:1]).features.shape[1:]
        if prod(shape) != self._width or (expected and len(shape) == 2 and shape != expected):
            told = " x ".join(map(str, expected or (self._width,)))
            raise DataError(
                f"the rows of {self._source} have {' x '.join(map(str, shape))} values, where the "
                f"model reads {told}: give images of that size"
            )
        return self._pixels(raw.features, pixels, numbers)

    def _pixels(
        self, values: NDArray[Any], inputs: Pixels, numbers: Numbers | None
    ) -> NDArray[Any]:
        if self._range is None and values.any():  # the first rows that are not blank decide
            self._range, self.remark = range_for(values, inputs, self._source)
            taken = self._range.apply(values, self._source, numbers)
            self.remark = self.remark or told_inverted(taken, self._source)
            return taken
        return (self._range or inputs).apply(values, self._source, numbers)
