"""Max-norm: long columns are shortened, in a run as well."""

from __future__ import annotations

import numpy as np
import pytest
from toys import toy_dataset, toy_model

from backends import get_backend
from mlp.nn.max_norm import MaxNorm
from mlp.training.loop import train
from mlp.training.recipe import Recipe

CPU = get_backend("cpu")


DATA = toy_dataset()  # 60 images


def test_long_columns_are_shortened_and_short_ones_kept() -> None:
    rng = np.random.default_rng(0)
    W = rng.normal(size=(20, 6)) * np.array([0.01, 0.1, 0.2, 1, 3, 0])
    before = W.copy()
    MaxNorm([W], 1.5, CPU).apply()
    lengths, were = np.linalg.norm(W, axis=0), np.linalg.norm(before, axis=0)
    assert (were > 1.5).sum() == 2
    np.testing.assert_allclose(lengths, np.minimum(were, 1.5), rtol=1e-14)
    np.testing.assert_array_equal(W[:, were < 1.5], before[:, were < 1.5])
    np.testing.assert_allclose(W * were, before * lengths, rtol=1e-13)  # the same directions


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("length", [1e-3, 1.0, 1e10, 1e19, 1e25])
@pytest.mark.parametrize("limit", [1e-3, 1.0, 1e25, 1e38, 3.5e38, 1e300])
def test_neither_long_columns_nor_a_large_limit_overflow(
    dtype: str, length: float, limit: float
) -> None:
    W = np.array([[-1.8 * length, 0.3], [2.4 * length, -0.4]], dtype)
    MaxNorm([W], limit, CPU).apply()
    long, short = min(3 * length, limit), min(0.5, limit)
    expected = np.array([[-0.6 * long, 0.6 * short], [0.8 * long, -0.8 * short]], dtype)
    np.testing.assert_allclose(W, expected, rtol=1e-6)


@pytest.mark.parametrize("limit", [0.3, 1.0, 2.5])
def test_no_bit_of_ordinary_weights_depends_on_the_scale(limit: float) -> None:
    W = np.random.default_rng(0).normal(size=(65, 17)).astype(np.float32)
    norm = np.maximum(np.sqrt(np.ones(65, np.float32) @ (W * W)), np.float32(limit))
    expected = W * (np.float32(limit) / norm)
    MaxNorm([W], limit, CPU).apply()
    np.testing.assert_array_equal(W, expected)


def test_a_run_keeps_to_the_limit() -> None:
    model = toy_model()
    train(model, DATA, Recipe(batch_size=8, epochs=5, lr=0.3, max_norm=0.5))
    lengths = [np.linalg.norm(layer.W, axis=0) for layer in model.linear]
    assert max(length.max() for length in lengths) <= 0.5 + 1e-6
    assert np.isclose(np.concatenate(lengths), 0.5).mean() > 0.3  # and the limit was reached
