"""Where pixels begin and end."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.inputs import Pixels
from mlp.data.scales import full_range

BYTES = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (BYTES, 0, 255),
        (BYTES > 9, 0, 1),
        (BYTES.astype(np.uint16) * 64, 0, 16383),
        (BYTES.astype(np.int16) * 128, 0, 32767),
        (BYTES.astype(np.uint16) * 31, 0, 8191),
        (BYTES / 255.0, 0, 1),
        (BYTES / 255.0 / 255.0, 0, 2.0**-7),
        ((BYTES / 255.0 / 8.0 / 255.0).astype(np.float16), 0, 2.0**-10),
        (BYTES / 255.0 / 16.0, 0, 2.0**-4),
        (BYTES * 5e-324, 0, 1),
        (BYTES * 0, 0, 0),
    ],
)
def test_paper_and_ink_are_found(values: np.ndarray, low: float, high: float) -> None:
    assert full_range(values, "tests") == (low, high)


def test_floats_far_below_one_keep_their_greys() -> None:
    """Bytes that were divided by 255 twice are images still, and not of paper alone."""
    values = BYTES / 255.0 / 255.0
    found = Pixels.of([values], (8, 8), "tests")
    taken = found.apply(values, "tests")
    assert len(np.unique(taken)) > 100
    assert np.ptp(taken) > 100


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(DataError, match="missing or infinite"):
        full_range(np.array([1.0, np.nan]), "tests")
