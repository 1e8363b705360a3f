"""Ranges of pixels and measures of columns: found, told, and applied to new input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.inputs import Columns, Pixels

BYTES = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (BYTES, 0, 255),
        (BYTES.astype(np.int64), 0, 255),
        (BYTES // 16, 0, 15),
        (BYTES % 17, 0, 16),
        (BYTES / 255.0, 0, 1),
        ((BYTES / 255.0).astype(np.float32), 0, 1),
        (BYTES > 99, 0, 1),
        ((BYTES > 99).astype(np.uint8), 0, 1),
        (BYTES.astype(np.uint16) * 257, 0, 65535),
        (BYTES / 127.5 - 1.0, -1, 1),
        ((BYTES - 33.0) / 79.0, -33 / 79, 222 / 79),
        (np.zeros((2, 3, 3), np.uint8), 0, 255),
    ],
)
def test_the_range_of_pixels_is_found(values: np.ndarray, low: float, high: float) -> None:
    found = Pixels.of([values], (8, 8), "tests")
    assert (found.low, found.high) == (low, high)
    pixels = found.apply(values, "tests")
    assert pixels.dtype == np.uint8
    expected = (values.astype(float) - low) / (high - low) * 255
    np.testing.assert_allclose(pixels, expected, rtol=0, atol=0.5001)


def test_bytes_are_taken_without_a_copy() -> None:
    assert Pixels.of([BYTES], (8, 8), "tests").apply(BYTES, "tests") is BYTES


def test_a_range_is_told() -> None:
    assert str(Pixels(0.0, 16.0)) == "pixels 0 to 16: scaled by 16"
    assert str(Pixels(-1.0, 1.0)) == "pixels -1 to 1: shifted by 1 and scaled by 2"


@pytest.mark.parametrize(
    ("splits", "sentence"),
    [
        ([BYTES, BYTES / 255.0], "pixels 0 to 1 and others 0 to 255"),
        ([BYTES % 17, BYTES], "pixels 0 to 16 and others 0 to 255"),
        ([np.full((1, 2, 2), np.nan)], "missing or infinite"),
        ([np.full((1, 2, 2), np.inf)], "missing or infinite"),
    ],
)
def test_pixels_that_make_no_range_are_refused(splits: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Pixels.of(splits, (8, 8), "tests")


def test_pixels_out_of_range_are_refused() -> None:
    with pytest.raises(DataError, match="from 0 to 255, where 0 to 16 belong"):
        Pixels(0.0, 16.0).apply(BYTES, "tests")
    with pytest.raises(DataError, match="row 8 of tests has a value that is missing"):
        Pixels(0.0, 1.0).apply(np.full((1, 2, 2), np.nan), "tests", np.array([8]))


def rows(N: int = 50) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.normal([5.0, -200.0, 0.001], [0.1, 50.0, 1e-5], (N, 3))


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_columns_are_standardised_by_the_training_rows(kind: Any) -> None:
    train = rows().astype(kind)
    columns = Columns.of(train, ("a", "b", "c"), False, "tests")
    found = columns.apply(train, "tests")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=0), 1, rtol=1e-4)
    new = train[:2] + np.array(columns.deviation)
    np.testing.assert_allclose(columns.apply(new, "tests"), found[:2] + 1, atol=2e-3)


def test_a_column_that_does_not_vary_becomes_zero() -> None:
    train = np.full((7, 2), 0.1)
    columns = Columns.of(train, None, False, "tests")
    np.testing.assert_allclose(columns.apply(train, "tests"), 0, atol=1e-6)


def test_missing_values_are_refused_by_name_and_row_or_filled() -> None:
    train = rows()
    train[6, 1] = np.nan
    with pytest.raises(DataError, match=r"age of tests in row 7 has no value: .* --missing mean"):
        Columns.of(train, ("size", "age", "weight"), False, "tests")
    columns = Columns.of(train, ("size", "age", "weight"), True, "tests")
    assert columns.apply(train, "tests")[6, 1] == 0
    np.testing.assert_allclose(columns.mean[1], np.nanmean(train[:, 1]))


def test_infinite_values_and_empty_columns_are_refused() -> None:
    train = rows()
    train[6, 1] = np.inf
    with pytest.raises(DataError, match=r"column 2 of tests in row 7 is infinite"):
        Columns.of(train, None, True, "tests")
    train[:, 1] = np.nan
    with pytest.raises(DataError, match=r"column 2 of tests has no value in any training row"):
        Columns.of(train, None, True, "tests")
    with pytest.raises(DataError, match=r"shape \(2,\), where 3 columns belong \(column 1, "):
        Columns.of(rows(), None, True, "tests").apply(rows()[:, :2], "tests")
