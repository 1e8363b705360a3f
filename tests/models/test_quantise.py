"""Weights of eight bits: no weight moves by more than half a step."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.models.quantise import quantise


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_weight_moves_by_more_than_half_a_step(dtype: str) -> None:
    W = np.random.default_rng(0).normal(size=(50, 7)).astype(dtype) * 10.0 ** np.arange(-3, 4)
    W = W.astype(dtype)
    q, scale = quantise(W)
    assert (q.dtype, q.shape, scale.dtype, scale.shape) == (np.int8, W.shape, W.dtype, (7,))
    assert (np.abs(q * scale - W) <= 0.5001 * scale).all()
    assert (np.abs(q).max(axis=0) == 127).all()  # each unit uses all levels


def test_levels_are_symmetric_and_zeros_stay() -> None:
    q, scale = quantise(np.array([[-2.0, 0.0, 1e-310], [1.0, 0.0, 0.0]]))
    np.testing.assert_array_equal(q[:, 0], [-127, 64])
    assert not q[:, 1].any()
    assert np.isfinite(scale).all()
    assert (scale > 0).all()
