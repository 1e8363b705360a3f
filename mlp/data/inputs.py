"""How the values of a file become what a network reads: kept with it, and applied to new input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.scales import WIDEST_GAP, full_range

Numbers = NDArray[np.int64]

_CHUNK = 8 << 20  # values that are converted at once, so that their floats stay few


@dataclass(frozen=True)
class Pixels:
    """Images: the range of their values, which is brought to bytes.

    Attributes:
        low: the value of paper, which becomes 0.
        high: the value of ink, which becomes 255.
        shape: the height and the width of an image; None where any will do.
    """

    low: float = 0.0
    high: float = 255.0
    shape: tuple[int, int] | None = None

    @classmethod
    def of(cls, splits: Sequence[NDArray[Any]], shape: tuple[int, int], source: str) -> Pixels:
        """Find the range of the images of some splits.

        Args:
            splits: each of bool, integers or floats, of any shape.
            shape: of an image.
            source: where they are, for the messages.

        Raises:
            DataError: if a value is not finite, or the splits are of different ranges.
        """
        found = [full_range(values, source) for values in splits if values.size]
        seen = [(low, high) for low, high in found if high > low]
        if not seen:
            return cls(shape=shape)
        low, high = min(low for low, _ in seen), max(high for _, high in seen)
        least = min(high - low for low, high in seen)
        if high - low >= WIDEST_GAP * least:
            told = " and others ".join(f"{low:g} to {high:g}" for low, high in sorted(set(seen)))
            raise DataError(
                f"some images of {source} have pixels {told}: bring all of them to one range"
            )
        return cls(low, high, shape)

    def __str__(self) -> str:
        moved = f"shifted by {-self.low:g} and " if self.low else ""
        return f"pixels {self.low:g} to {self.high:g}: {moved}scaled by {self.high - self.low:g}"

    @property
    def is_plain(self) -> bool:
        """Whether the values are bytes already."""
        return (self.low, self.high) == (0.0, 255.0)

    def to_json(self) -> dict[str, Any]:
        """Return the range, which `inputs_from_json` reads."""
        return {"kind": "pixels", "low": self.low, "high": self.high, "shape": self.shape}

    def apply(
        self, features: NDArray[Any], source: str, numbers: Numbers | None = None
    ) -> NDArray[Any]:
        """Turn values in this range into bytes; bytes are returned as they are, without a copy.

        Bools are paper and ink whatever the range.

        Args:
            features: bool, integers or floats, shape (N, height, width).
            source: where they are, for the messages.
            numbers: the place of each in the source, for the messages; from 1 on unless given.

        Returns:
            uint8, shape (N, height, width).

        Raises:
            DataError: if a value is not finite or out of the range.
        """
        if features.dtype == np.uint8 and self.is_plain:
            return features
        if features.dtype.kind == "b":
            return features.astype(np.uint8) * np.uint8(255)
        pixels = np.empty(features.shape, np.uint8)
        for rows in _chunks(features):
            values = features[rows].astype(np.float64)
            fits = (values >= self.low) & (values <= self.high)
            if not fits.all():
                row = int((~fits).reshape(len(fits), -1).any(axis=1).argmax())
                where = f"row {_number(numbers, rows.start + row):,}"
                if not np.isfinite(values[row]).all():
                    raise DataError(
                        f"{where} of {source} has a value that is missing or infinite: correct it"
                    )
                raise DataError(
                    f"the pixels of {source} go from {values.min():g} to {values.max():g}, where "
                    f"{self.low:g} to {self.high:g} belong, the first outside in {where}: bring "
                    "them to that range"
                )
            pixels[rows] = np.rint((values - self.low) * (255.0 / (self.high - self.low)))
        return pixels


@dataclass(frozen=True)
class Columns:
    """Columns of numbers, each brought to mean 0 and deviation 1 by those of the training rows.

    Attributes:
        names: of the I columns.
        mean: of each.
        deviation: of each; 1 where it does not vary.
        fill: whether missing values become the mean; else they are refused.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    fill: bool = False

    @classmethod
    def of(
        cls,
        features: NDArray[Any],
        names: Sequence[str] | None,
        fill: bool,
        source: str,
        numbers: Numbers | None = None,
    ) -> Columns:
        """Measure the columns of training rows, shape (N, I); NaN is a missing value.

        The other arguments are those of `apply`.

        Raises:
            DataError: if a value is infinite, a column has none, or one is missing and is not to
                be filled.
        """
        N, inputs = features.shape
        names = tuple(names or (f"column {i + 1}" for i in range(inputs)))
        _check_columns(features, names, fill, source, numbers)
        values = features.astype(np.float64)  # (N, I)
        missing = np.isnan(values)
        empty = np.flatnonzero(missing.all(axis=0))
        if N and len(empty):
            raise DataError(
                f"{names[empty[0]]} of {source} has no value in any training row: leave that "
                "column out"
            )
        mean = np.nanmean(values, axis=0)  # (I,)
        deviation = np.nanstd(values, axis=0)
        # A column that does not vary has a deviation of rounding alone.
        deviation[deviation <= 1e-12 * np.maximum(1.0, np.abs(mean))] = 1.0
        return cls(names, tuple(mean.tolist()), tuple(deviation.tolist()), fill)

    def __str__(self) -> str:
        count = len(self.names)
        what = "1 column" if count == 1 else f"{count:,} columns"
        return f"{what}: standardised by the training rows' mean and deviation"

    @property
    def shape(self) -> tuple[int]:
        """The number of columns."""
        return (len(self.names),)

    def to_json(self) -> dict[str, Any]:
        """Return the names and the measures, which `inputs_from_json` reads."""
        return {"kind": "columns"} | asdict(self)

    def apply(
        self, features: NDArray[Any], source: str, numbers: Numbers | None = None
    ) -> NDArray[Any]:
        """Standardise rows.

        Args:
            features: bool, integers or floats, shape (N, I).
            source: where they are, for the messages.
            numbers: the place of each in the source, for the messages; from 1 on unless given.

        Returns:
            float32, shape (N, I).

        Raises:
            DataError: as `of`.
        """
        _check_columns(features, self.names, self.fill, source, numbers)
        mean, deviation = np.array(self.mean), np.array(self.deviation)
        columns = np.empty(features.shape, np.float32)
        for rows in _chunks(features):
            columns[rows] = (features[rows] - mean) / deviation
        if self.fill:
            np.nan_to_num(columns, copy=False, nan=0.0)
        return columns


Inputs = Pixels | Columns


def inputs_from_json(value: Any) -> Inputs:
    """Read what `to_json` returned.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, OverflowError: if it is damaged.
    """
    if value["kind"] == "pixels":
        shape = None if value["shape"] is None else tuple(map(int, value["shape"]))
        pixels = Pixels(float(value["low"]), float(value["high"]), shape)  # type: ignore[arg-type]
        if not (0 < pixels.high - pixels.low < np.inf):
            raise ValueError("no range")
        if shape is not None and not (len(shape) == 2 and min(shape) > 0):
            raise ValueError("no shape")
        return pixels
    columns = Columns(
        tuple(map(str, value["names"])),
        tuple(map(float, value["mean"])),
        tuple(map(float, value["deviation"])),
        bool(value["fill"]),
    )
    "".join(columns.names).encode()  # halves of characters can be written nowhere
    measures = np.array([columns.mean, columns.deviation])  # (2, I)
    if measures.shape[1] != len(columns.names) or not (measures[1] > 0).all():
        raise ValueError("no columns")
    if value["kind"] != "columns" or not np.isfinite(measures).all():
        raise ValueError("no columns")
    return columns


def _check_columns(
    features: NDArray[Any],
    names: Sequence[str],
    fill: bool,
    source: str,
    numbers: Numbers | None,
) -> None:
    if features.shape[1:] != (len(names),):
        raise DataError(
            f"the rows of {source} have the shape {features.shape[1:]}, where {len(names):,} "
            f"columns belong ({', '.join(names[:5])}{', …' if len(names) > 5 else ''})"
        )
    if features.dtype.kind != "f":
        return
    for rows in _chunks(features):
        values = features[rows]
        if np.isfinite(values).all():
            continue
        bad = np.isinf(values) if fill else ~np.isfinite(values)  # (n, I)
        if not bad.any():
            continue
        row, column = np.argwhere(bad)[0]
        where = f"{names[column]} of {source} in row {_number(numbers, rows.start + int(row)):,}"
        if np.isinf(values[row, column]):
            raise DataError(f"{where} is infinite: correct it or leave the row out")
        raise DataError(
            f"{where} has no value: leave the row out, fill it in, or train with --missing mean"
        )


def _number(numbers: Numbers | None, row: int) -> int:
    """Return the place of a row in its source, from 1."""
    return row + 1 if numbers is None else int(numbers[row])


def _chunks(features: NDArray[Any]) -> Iterator[slice]:
    step = max(1, _CHUNK * len(features) // max(1, features.size))
    return (slice(start, start + step) for start in range(0, len(features), step))
