"""Losses: their values against plain formulas, and at the ends of the range of floats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from device import CountingBackend

from backends import Array, get_backend, kernel_of
from mlp.common.errors import UsageError
from mlp.nn.losses import LOSSES, SoftmaxCrossEntropy

CPU = get_backend("cpu")
N, C = 6, 4
RNG = np.random.default_rng(1)
OUTPUTS, LABELS = RNG.normal(size=(N, C)), RNG.integers(0, C, N)
ROWS = np.eye(C)[LABELS]


def evaluate(
    name: str, outputs: np.ndarray, labels: np.ndarray, total: int | None = None
) -> tuple[float, np.ndarray]:
    criterion = LOSSES[name](outputs.shape[1], CPU, outputs.dtype.name)
    loss = criterion.forward(outputs, labels, total)
    assert (loss.shape, loss.dtype) == ((1, 1), outputs.dtype)
    return float(loss[0, 0]), criterion.backward()


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


FORMULAS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "cross_entropy": lambda z, t: (t * (np.log(np.exp(z).sum(1, keepdims=True)) - z)).sum() / N,
    "quadratic": lambda a, t: ((a - t) ** 2).sum() / 2 / N,
    "binary_cross_entropy": lambda z, t: (
        -(t * np.log(sigmoid(z)) + (1 - t) * np.log(1 - sigmoid(z))).sum() / N
    ),
}


def huber(a: np.ndarray, t: np.ndarray) -> float:
    e = np.abs(a - t)
    return float(np.where(e <= 1, e * e / 2, e - 0.5).sum() / N)


def focal(z: np.ndarray, t: np.ndarray) -> float:
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return float(-(t * (1 - p) ** 2 * np.log(p)).sum() / N)


FORMULAS |= {"huber": huber, "focal": focal}
FORMULAS["logit_error"] = FORMULAS["cross_entropy"]


@pytest.mark.parametrize("name", LOSSES)
def test_the_value_is_the_plain_formula(name: str) -> None:
    assert evaluate(name, OUTPUTS, LABELS)[0] == pytest.approx(FORMULAS[name](OUTPUTS, ROWS))


@pytest.mark.parametrize("name", LOSSES)
def test_integer_labels_are_one_hot_rows(name: str) -> None:
    integers, rows = evaluate(name, OUTPUTS, LABELS), evaluate(name, OUTPUTS, ROWS)
    assert integers[0] == rows[0]
    np.testing.assert_array_equal(integers[1], rows[1])


@pytest.mark.parametrize("label", [-1, C, 99])
@pytest.mark.parametrize("name", LOSSES)
def test_a_label_that_is_no_class_is_refused(name: str, label: int) -> None:
    with pytest.raises(UsageError, match=rf"label {label} is not from 0 to {C - 1}: correct it"):
        evaluate(name, OUTPUTS, np.array([*LABELS[:-1], label]))


def test_rows_are_not_waited_for() -> None:
    backend = CountingBackend()
    criterion = LOSSES["cross_entropy"](C, backend, "float64")
    outputs, rows = backend.asarray(OUTPUTS), backend.asarray(ROWS)
    labels = backend.asarray(LABELS)
    backend.reset()
    criterion.forward(outputs, rows)
    criterion.forward(outputs, criterion.targets(labels))
    assert backend.count("synchronisation") == backend.count("to host") == 0
    criterion.forward(outputs, labels)
    assert backend.count("to host") > 0


@pytest.mark.parametrize("name", LOSSES)
def test_total_replaces_the_batch_size(name: str) -> None:
    whole, part = evaluate(name, OUTPUTS, LABELS), evaluate(name, OUTPUTS, LABELS, total=3 * N)
    assert part[0] == pytest.approx(whole[0] / 3)
    np.testing.assert_allclose(part[1], whole[1] / 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_huge_logits_stay_finite_and_exact(name: str, dtype: str) -> None:
    """A loss far out is the distance to the right answer: no overflow, no epsilon."""
    huge = 1e30
    logits = np.array([[huge, -huge], [-huge, huge]], dtype)
    right = evaluate(name, logits, np.array([0, 1]))
    wrong = evaluate(name, logits, np.array([1, 0]))
    assert right[0] == 0.0
    assert not right[1].any()
    assert wrong[0] == pytest.approx(2 * huge, rel=1e-6)
    np.testing.assert_allclose(wrong[1], np.array([[0.5, -0.5], [-0.5, 0.5]]))


def test_small_cross_entropies_keep_their_digits() -> None:
    """-log softmax of a sure answer is about exp(-gap): an epsilon or 1 - p would lose it."""
    loss, _ = evaluate("cross_entropy", np.array([[30.0, 0.0]]), np.array([0]))
    assert loss == pytest.approx(np.exp(-30.0), rel=0.02)


def test_small_binary_cross_entropies_keep_their_digits() -> None:
    loss, gradient = evaluate("binary_cross_entropy", np.array([[-40.0]]), np.array([[0.0]]))
    assert loss == pytest.approx(np.exp(-40.0), rel=1e-12)
    assert gradient[0, 0] == pytest.approx(0.0, abs=1e-16)


def test_binary_cross_entropy_at_zero_is_log_2_a_class() -> None:
    loss, gradient = evaluate("binary_cross_entropy", np.zeros((3, 4)), np.array([0, 1, 2]))
    assert loss == pytest.approx(4 * np.log(2))
    np.testing.assert_allclose(gradient, (0.5 - np.eye(4)[:3]) / 3)


def test_cross_entropy_of_equal_logits_is_log_c() -> None:
    loss, _ = evaluate("cross_entropy", np.full((3, 7), 123.0), np.array([0, 3, 6]))
    assert loss == pytest.approx(np.log(7))


def test_shifting_the_logits_changes_nothing() -> None:
    plain, shifted = (evaluate("cross_entropy", OUTPUTS + s, LABELS) for s in (0.0, 1000.0))
    assert shifted[0] == pytest.approx(plain[0], rel=1e-12)
    np.testing.assert_allclose(shifted[1], plain[1], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("name", LOSSES)
def test_the_callers_arrays_are_left_alone(name: str) -> None:
    outputs, labels, rows = OUTPUTS.copy(), LABELS.copy(), ROWS.copy()
    for targets in (labels, rows):
        evaluate(name, outputs, targets)
    np.testing.assert_array_equal(outputs, OUTPUTS)
    np.testing.assert_array_equal(labels, LABELS)
    np.testing.assert_array_equal(rows, ROWS)


def test_the_published_defect_is_as_published() -> None:
    """(z - t) · f'(z) / N, where f is the leaky ReLU."""
    _, gradient = evaluate("logit_error", OUTPUTS, LABELS)
    np.testing.assert_allclose(gradient, (OUTPUTS - ROWS) * np.where(OUTPUTS > 0, 1, 0.01) / N)


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_a_nan_shows(name: str) -> None:
    outputs = OUTPUTS.copy()
    outputs[2, 1] = np.nan
    assert np.isnan(evaluate(name, outputs, LABELS)[0])


@pytest.mark.parametrize("name", LOSSES)
def test_a_forward_pass_is_gone_back_through_once(name: str) -> None:
    criterion = LOSSES[name](C, CPU, "float64")
    with pytest.raises(RuntimeError, match="call forward first"):
        criterion.backward()
    criterion.forward(OUTPUTS, LABELS)
    criterion.backward()
    with pytest.raises(RuntimeError, match="call forward first"):
        criterion.backward()


WEIGHTS = np.array([2.0, 0.0, 1.0, 0.5, 3.0, 1.0])


def weighted(
    name: str, outputs: np.ndarray, rows: np.ndarray, weights: np.ndarray, total: object = None
) -> tuple[float, np.ndarray]:
    criterion = LOSSES[name](outputs.shape[1], CPU, outputs.dtype.name)
    loss = criterion.forward(outputs, rows, total, weights=weights)  # type: ignore[arg-type]
    return float(loss[0, 0]), criterion.backward()


@pytest.mark.parametrize("name", LOSSES)
def test_a_weight_counts_an_example_so_often(name: str) -> None:
    """Whole weights are copies of the example, and 0 leaves it out."""
    weights = np.array([2.0, 0.0, 1.0, 3.0, 1.0, 0.0])
    times = np.repeat(np.arange(N), weights.astype(int))
    value, gradient = weighted(name, OUTPUTS, ROWS, weights)
    expected, copies = evaluate(name, OUTPUTS[times], ROWS[times])
    assert value == pytest.approx(expected, rel=1e-13)
    sums = np.zeros_like(OUTPUTS)
    np.add.at(sums, times, copies)
    np.testing.assert_allclose(gradient, sums, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("name", LOSSES)
def test_only_the_proportions_of_weights_count(name: str) -> None:
    one, ten = (weighted(name, OUTPUTS, ROWS, WEIGHTS * factor) for factor in (1.0, 10.0))
    assert ten[0] == pytest.approx(one[0], rel=1e-13)
    np.testing.assert_allclose(ten[1], one[1], rtol=1e-13)
    alike = weighted(name, OUTPUTS, ROWS, np.full(N, 7.0))
    expected = evaluate(name, OUTPUTS, ROWS)
    assert alike[0] == pytest.approx(expected[0], rel=1e-13)
    np.testing.assert_allclose(alike[1], expected[1], rtol=1e-13)


@pytest.mark.parametrize("name", LOSSES)
def test_weighted_micro_batches_add_up(name: str) -> None:
    whole = weighted(name, OUTPUTS, ROWS, WEIGHTS)
    total = WEIGHTS.sum().reshape(1, 1)
    parts = [
        weighted(name, OUTPUTS[rows], ROWS[rows], WEIGHTS[rows], total)
        for rows in (slice(0, 2), slice(2, N))
    ]
    assert sum(part[0] for part in parts) == pytest.approx(whole[0], rel=1e-13)
    np.testing.assert_allclose(np.concatenate([p[1] for p in parts]), whole[1], rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOSSES)
def test_weights_of_0_make_no_loss_and_no_gradient(name: str, dtype: str) -> None:
    value, gradient = weighted(name, OUTPUTS.astype(dtype), ROWS.astype(dtype), np.zeros(N, dtype))
    assert value == 0.0
    assert not gradient.any()


def test_without_weights_no_call_is_made_for_them() -> None:
    def calls(weights: np.ndarray | None) -> int:
        backend = CountingBackend()
        criterion = LOSSES["cross_entropy"](C, backend, "float64")
        arrays = [backend.asarray(OUTPUTS), backend.asarray(ROWS)]
        backend.reset()
        criterion.forward(*arrays, weights=None if weights is None else backend.asarray(weights))
        criterion.backward()
        return len(backend.calls)

    assert calls(None) < calls(WEIGHTS)


def made(choice: str, outputs: np.ndarray, rows: np.ndarray) -> tuple[float, np.ndarray]:
    criterion = LOSSES.make(choice, outputs.shape[1], CPU, outputs.dtype.name)
    return float(criterion.forward(outputs, rows).item()), criterion.backward()


def test_a_focal_loss_without_focus_is_the_cross_entropy() -> None:
    for ours, theirs in zip(
        made("focal(0)", OUTPUTS, ROWS), made("cross_entropy", OUTPUTS, ROWS), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("gamma", ["0", "0.5", "1", "2", "5"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_focal_loss_is_finite_where_an_answer_is_sure(dtype: str, gamma: str) -> None:
    logits = np.array([[200.0, -200.0, 0.0], [30.0, 0.0, -30.0]], dtype)
    for rows in (np.eye(3)[[0, 0]], np.eye(3)[[1, 2]]):
        value, gradient = made(f"focal({gamma})", logits, rows.astype(dtype))
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_a_wide_huber_is_quadratic_and_a_narrow_one_the_absolute_error() -> None:
    for ours, theirs in zip(
        made("huber(1e9)", OUTPUTS, ROWS), made("quadratic", OUTPUTS, ROWS), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    value, gradient = made("huber(1e-9)", OUTPUTS, ROWS)
    assert value / 1e-9 == pytest.approx(np.abs(OUTPUTS - ROWS).sum() / N)
    np.testing.assert_allclose(gradient * N / 1e-9, np.sign(OUTPUTS - ROWS), rtol=1e-12)


@pytest.mark.parametrize("choice", ["huber(0)", "huber(-1)", "focal(-0.5)"])
def test_numbers_that_make_no_loss_are_refused(choice: str) -> None:
    with pytest.raises(UsageError, match=r"of (huber|focal) must be"):
        made(choice, OUTPUTS, ROWS)


SMOOTHED = [name for name in LOSSES if LOSSES[name].smooths]


@pytest.mark.parametrize("name", SMOOTHED)
def test_smoothed_labels_are_targets_in_between(name: str) -> None:
    criterion = LOSSES[name](C, CPU, "float64")
    criterion.smooth_labels(0.2)
    value, gradient = criterion.forward(OUTPUTS, LABELS).item(), criterion.backward()
    even = 0.5 if name == "binary_cross_entropy" else 1 / C
    targets = 0.8 * ROWS + 0.2 * even
    assert value == pytest.approx(FORMULAS[name](OUTPUTS, targets))
    np.testing.assert_allclose(gradient, evaluate(name, OUTPUTS, targets)[1], rtol=1e-12)


def test_target_rows_are_parted_from_a_last_column_of_weights() -> None:
    loss = LOSSES.make("cross_entropy", 2, get_backend("cpu"), "float64")
    rows = np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 0.5]])
    targets, weights = loss.part(rows)
    np.testing.assert_array_equal(targets, rows[:, :2])
    np.testing.assert_array_equal(weights, [3.0, 0.5])
    assert loss.part(targets) == (targets, None)


def test_another_gradient_is_not_replaced_by_a_kernel() -> None:
    """A device's kernel for a loss and its gradient is left to the class that names it."""

    class Halved(SoftmaxCrossEntropy):
        def gradient(self, xp: Any, outputs: Array, targets: Array, kept: Array) -> None:
            super().gradient(xp, outputs, targets, kept)
            xp.multiply(kept, 0.5, out=kept)

    assert kernel_of(SoftmaxCrossEntropy.both) == "softmax_cross_entropy"
    for kind in (Halved, LOSSES["logit_error"]):
        assert kernel_of(kind.both) is None
