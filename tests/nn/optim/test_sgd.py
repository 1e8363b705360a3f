"""SGD's update against its formulas, worked out beside it in the plainest way."""

from __future__ import annotations

import numpy as np
import pytest

from backends import get_backend
from mlp.nn.optim import SGD

CPU = get_backend("cpu")
P = 6


def steps(gradients: list[list[float]], lrs: list[float], **options: object) -> np.ndarray:
    """Start at 1, 2, 3, ...; return the parameters after a step for each gradient."""
    p, g = np.arange(1.0, len(gradients[0]) + 1), np.empty(len(gradients[0]))
    optimizer = SGD(p, g, CPU, **options)  # type: ignore[arg-type]
    for gradient, lr in zip(gradients, lrs, strict=True):
        g[:] = gradient
        optimizer.lr[:] = lr
        optimizer.step()
    return p


def test_plain_steps_follow_the_gradient() -> None:
    p = steps([[1.0, -2.0], [3.0, 0.0]], [0.1, 0.01])
    np.testing.assert_allclose(p, [1 - 0.1 - 0.03, 2 + 0.2], rtol=1e-15)


def test_momentum_keeps_the_rate_out_of_the_velocity() -> None:
    # v = 2, then 0.5 · 2 + 4 = 5: a learning rate that changes tells both conventions apart.
    p = steps([[2.0], [4.0]], [0.1, 0.01], momentum=0.5)
    assert p[0] == pytest.approx(1 - 0.1 * 2 - 0.01 * 5, rel=1e-14)


def test_nesterov_looks_ahead() -> None:
    # v = 2, the step is 2 + 0.5 · 2 = 3; then v = 5, the step is 4 + 0.5 · 5 = 6.5.
    p = steps([[2.0], [4.0]], [0.1, 0.01], momentum=0.5, nesterov=True)
    assert p[0] == pytest.approx(1 - 0.1 * 3 - 0.01 * 6.5, rel=1e-14)


def test_weight_decay_leaves_the_biases_alone() -> None:
    p = steps([[0.0, 0.0, 0.0]], [0.1], weight_decay=0.5, decayed=2)
    np.testing.assert_allclose(p, [1 * 0.95, 2 * 0.95, 3.0], rtol=1e-15)


def test_weight_decay_of_all_parameters() -> None:
    p = steps([[0.0, 0.0, 0.0]], [0.1], weight_decay=0.5)
    np.testing.assert_allclose(p, [1 * 0.95, 2 * 0.95, 3 * 0.95], rtol=1e-15)


def test_decay_is_part_of_the_velocity() -> None:
    # g + λ p = 1 + 0.5 = 1.5 = v; p = 1 - 0.15 = 0.85; v = 0.9 · 1.5 + 1 + 0.425 = 2.775.
    p = steps([[1.0], [1.0]], [0.1, 0.1], momentum=0.9, weight_decay=0.5)
    assert p[0] == pytest.approx(0.85 - 0.2775, rel=1e-14)


def test_clip_by_value() -> None:
    p = steps([[5.0, -5.0, 0.25]], [1.0], clip_value=0.5)
    np.testing.assert_allclose(p, [0.5, 2.5, 2.75], rtol=1e-15)


@pytest.mark.parametrize(("limit", "factor"), [(1.0, 0.2), (5.0, 1.0), (50.0, 1.0)])
def test_clip_by_norm_only_shortens(limit: float, factor: float) -> None:
    p = steps([[3.0, 4.0]], [1.0], clip_norm=limit)  # of the norm 5
    np.testing.assert_allclose(p, [1 - 3 * factor, 2 - 4 * factor], rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("length", [1e-3, 1.0, 1e10, 1e19, 1e25, 1e38])
@pytest.mark.parametrize("limit", [0.5, 1.0, 1e25, 1e38, 3.5e38, 1e300])
def test_neither_a_long_gradient_nor_a_large_limit_overflows(
    dtype: str, length: float, limit: float
) -> None:
    """Squared as it is, a gradient of float32 above 1.8e19 had an infinite norm."""
    p, g = np.zeros(2, dtype), np.array([-1.8 * length, 2.4 * length], dtype)
    optimizer = SGD(p, g, CPU, clip_norm=limit)
    optimizer.lr[:] = 0.5
    optimizer.step()
    clipped = min(3 * length, limit) / 2
    np.testing.assert_allclose(p, np.array([0.6 * clipped, -0.8 * clipped], dtype), rtol=1e-6)


@pytest.mark.parametrize("limit", [0.03, 1.0, 7.0])
def test_clipping_changes_no_bit_of_ordinary_gradients(limit: float) -> None:
    g = np.random.default_rng(0).normal(size=1001).astype(np.float32)
    norm = np.maximum(np.sqrt(np.sum(g * g, keepdims=True)), np.float32(limit))
    expected = np.zeros_like(g) - g * (np.float32(limit) / norm)
    p = np.zeros_like(g)
    optimizer = SGD(p, g, CPU, clip_norm=limit)
    optimizer.lr[:] = 1.0
    optimizer.step()
    np.testing.assert_array_equal(p, expected)


def test_clipping_a_gradient_of_zero_changes_nothing() -> None:
    np.testing.assert_array_equal(steps([[0.0, 0.0]], [1.0], clip_norm=1.0), [1.0, 2.0])


def test_clipping_comes_before_decay() -> None:
    p = steps([[100.0]], [0.1], clip_value=1.0, weight_decay=3.0)
    assert p[0] == pytest.approx(1 - 0.1 * (1 + 3), rel=1e-14)


def test_many_steps_of_everything_at_once() -> None:
    rng = np.random.default_rng(0)
    gradients, lrs = rng.normal(size=(30, P)), rng.uniform(0.01, 0.1, 30)
    p, v = np.arange(1.0, P + 1), np.zeros(P)
    decay = np.where(np.arange(P) < 4, 0.01, 0.0)
    for gradient, lr in zip(gradients, lrs, strict=True):
        g = np.clip(gradient, -0.8, 0.8)
        g = g * min(1.0, 1.2 / np.linalg.norm(g)) + decay * p
        v = 0.9 * v + g
        p = p - lr * (g + 0.9 * v)
    ours = steps(
        gradients.tolist(), lrs.tolist(), momentum=0.9, nesterov=True, weight_decay=0.01,
        decayed=4, clip_value=0.8, clip_norm=1.2,
    )  # fmt: skip
    np.testing.assert_allclose(ours, p, rtol=1e-12)


def test_a_reset_forgets_the_velocity() -> None:
    p, g = np.ones(2), np.ones(2)
    optimizer = SGD(p, g, CPU, momentum=0.9)
    optimizer.step()
    optimizer.reset()
    np.testing.assert_array_equal(optimizer.state["velocity"], 0.0)


def test_no_velocity_without_momentum() -> None:
    assert SGD(np.zeros(2), np.zeros(2), CPU).state == {}


def test_arrays_keep_their_dtype() -> None:
    p, g = np.ones(3, np.float32), np.ones(3, np.float32)
    optimizer = SGD(p, g, CPU, momentum=0.9, clip_norm=1.0, weight_decay=0.1)
    optimizer.lr[:] = 0.5
    optimizer.step()
    arrays = (
        *(optimizer.parameters, optimizer.state["velocity"], optimizer.lr, optimizer.gradients),
        *(optimizer.norm, optimizer.scratch),
    )
    assert {array.dtype for array in arrays if array is not None} == {np.dtype(np.float32)}
    assert optimizer.parameters is p
