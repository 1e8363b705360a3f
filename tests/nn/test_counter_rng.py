"""Random bits: those of their places, and fair."""

from __future__ import annotations

import numpy as np
import pytest

from backends import get_backend
from mlp.nn.counter_rng import RandomBits

CPU = get_backend("cpu")


def test_bits_are_those_of_their_places() -> None:
    bits = RandomBits(CPU)
    bits.seek(2**32 - 10)  # past the end they begin again
    whole = bits.draw(6, 5).copy().ravel()
    bits.seek(2**32 - 10)
    parts = [bits.draw(*shape).copy().ravel() for shape in ((1, 5), (3, 7), (2, 2))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    bits.seek(0)
    np.testing.assert_array_equal(bits.draw(2, 10).ravel(), whole[10:])


@pytest.mark.parametrize("base", [0, 7, 2**32 - 3])
@pytest.mark.parametrize("ahead", [0, 5, 2**32 + 1, 3 * 10**12])
def test_a_place_is_counted_from_that_in_an_array(base: int, ahead: int) -> None:
    bits, other = RandomBits(CPU), RandomBits(CPU)
    bits.seek_from(np.array([base], np.uint32), ahead)
    other.seek(base + ahead)
    np.testing.assert_array_equal(bits.draw(2, 3), other.draw(2, 3))


def test_every_bit_is_fair() -> None:
    bits = RandomBits(CPU)
    drawn = bits.draw(1000, 100).ravel()
    ones = (drawn[:, None] >> np.arange(32, dtype=np.uint32)) & 1  # (100000, 32)
    assert np.abs(ones.mean(axis=0) - 0.5).max() < 5 * 0.5 / 100_000**0.5
    pairs = np.corrcoef(ones.T) - np.eye(32)
    assert np.abs(pairs).max() < 5.5 / 100_000**0.5
