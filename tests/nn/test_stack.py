"""Networks side by side compute, and learn, what each of them does."""

from __future__ import annotations

import numpy as np
import pytest
from device import CountingBackend
from gradients import check_gradient

from backends import get_backend
from mlp.nn.accuracy import CorrectCount
from mlp.nn.layers import Linear
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.nn.stack import BlockDiagonal, LossByNetwork, Stack

CPU = get_backend("cpu")
I, C, N, S = 5, 3, 4, 3  # noqa: E741


def networks(**options: object) -> list[MLP]:
    """Three networks with biases, each from its own seed."""
    common = {"activation": "tanh", "bias_init": "uniform(-1, 1)", "dtype": "float64"}
    return [MLP([I, 6, 4, C], seed=seed, **(common | options)) for seed in range(S)]


def side_by_side(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays, axis=-1)


@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 3, 1), (1, 3, 2), (5, 2, 7)])
@pytest.mark.parametrize("bias", [True, False])
def test_the_gradients_of_a_block_diagonal_layer(shape: tuple[int, int, int], bias: bool) -> None:
    rows, inputs, outputs = shape
    rng = np.random.default_rng(sum(shape))
    layer = BlockDiagonal(S, inputs, outputs, CPU, "float64", bias=bias)
    shapes = layer.shapes(0)
    assert shapes["W"] == (inputs, S * outputs)
    values = {name: rng.normal(size=size) for name, size in shapes.items()}
    layer.bind(values, {name: np.full(size, 9.0) for name, size in shapes.items()})
    x, dy = rng.normal(size=(rows, S * inputs)), rng.normal(size=(rows, S * outputs))

    def value() -> float:
        return float((dy * layer.forward(x)).sum())

    value()
    dx = layer.backward(dy)
    assert dx is not None
    check_gradient("dx", value, x, dx)
    for name, array in values.items():
        check_gradient(f"d{name}", value, array, getattr(layer, f"d{name}"))


@pytest.mark.parametrize("shared", [True, False])
def test_outputs_losses_and_gradients_are_those_of_each_network(shared: bool) -> None:
    models, rng = networks(), np.random.default_rng(0)
    xs = [rng.normal(size=(N, I))] * S if shared else [rng.normal(size=(N, I)) for _ in models]
    labels = rng.integers(0, C, (N, 1 if shared else S)) + np.zeros((N, S), np.int64)
    stack = Stack(models, shares_x=shared)
    assert isinstance(stack.linear[0], Linear if shared else BlockDiagonal)
    assert [isinstance(layer, BlockDiagonal) for layer in stack.linear[1:]] == [True, True]
    criterion = LossByNetwork(LOSSES["cross_entropy"](C, CPU, "float64"), S)
    outputs = stack.forward(xs[0] if shared else side_by_side(xs))
    losses = criterion.forward(outputs, labels[:, 0] if shared else labels)
    stack.backward(criterion.backward())
    assert losses.shape == (S, 1)
    for s, model in enumerate(models):
        alone = LOSSES["cross_entropy"](C, CPU, "float64")
        own = model.forward(xs[s])
        np.testing.assert_allclose(outputs.reshape(N, S, C)[:, s], own, rtol=1e-13)
        np.testing.assert_allclose(losses[s], alone.forward(own, labels[:, s]).item(), rtol=1e-13)
        model.backward(alone.backward())
        for wide, narrow in zip(stack.linear, model.linear, strict=True):
            dW = wide.dW.reshape(len(wide.dW), S, -1)[:, s]
            np.testing.assert_allclose(dW, narrow.dW, rtol=1e-11, atol=1e-15)
            db = wide.db.reshape(S, -1)[s]
            np.testing.assert_allclose(db, narrow.db, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_every_loss_is_told_of_each_network(loss: str, smoothing: float) -> None:
    rng = np.random.default_rng(1)
    outputs, rows = rng.normal(size=(N, S * C)), rng.dirichlet(np.ones(C), (N, S))
    one, alone = LOSSES[loss](C, CPU, "float64"), LOSSES[loss](C, CPU, "float64")
    together = LossByNetwork(one, S)
    if smoothing and one.smooths:
        one.smooth_labels(smoothing)
        alone.smooth_labels(smoothing)
    losses = together.forward(outputs, rows.reshape(N, S * C), total=7)
    gradient = together.backward()
    assert gradient.shape == outputs.shape
    for s in range(S):
        own = np.ascontiguousarray(outputs.reshape(N, S, C)[:, s])
        value = alone.forward(own, rows[:, s].copy(), total=7).item()
        np.testing.assert_allclose(losses[s], value, rtol=1e-13)
        np.testing.assert_allclose(
            gradient.reshape(N, S, C)[:, s], alone.backward(), rtol=1e-13, atol=1e-16
        )


def test_correct_answers_are_counted_for_each_network() -> None:
    rng, count = np.random.default_rng(2), CorrectCount(C, CPU, "float64", S)
    answers, labels = rng.integers(0, C, (40, S)), rng.integers(0, C, 40)
    one_hot = np.eye(C)
    for half in (slice(0, 25), slice(25, 40)):
        outputs = one_hot[answers[half]].reshape(-1, S * C)
        count.add(outputs, one_hot[labels[half]])
    assert count.total.reshape(-1).tolist() == (answers == labels[:, None]).sum(axis=0).tolist()


def test_parameters_come_from_the_networks_and_go_back() -> None:
    models = networks()
    before = [model.parameters.copy() for model in models]
    stack = Stack(models, shares_x=False)
    assert [stack.weight_count, stack.bias_count] == [
        S * models[0].weight_count,
        S * models[0].bias_count,
    ]
    remembered = stack.parameters.copy()
    stack.parameters *= 2.0
    stack.give_back([0, 2])
    for s, model in enumerate(models):
        np.testing.assert_array_equal(model.parameters, before[s] * (1.0 if s == 1 else 2.0))
    stack.give_back([2], remembered)
    np.testing.assert_array_equal(models[2].parameters, before[2])


def test_one_that_shares_x_has_the_same_parameters() -> None:
    stack = Stack(networks(), shares_x=False)
    shared = stack.sharing_x()
    assert shared.parameters is stack.parameters
    assert shared.sharing_x() is shared
    x = np.random.default_rng(3).normal(size=(N, I))
    np.testing.assert_allclose(shared.forward(x), stack.forward(side_by_side([x] * S)), rtol=1e-13)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("layer", [0, 2])
@pytest.mark.parametrize("name", ["W", "b"])
def test_a_network_that_is_not_finite_is_told_apart(bad: float, layer: int, name: str) -> None:
    models = networks()
    getattr(models[1].linear[layer], name).reshape(-1)[-1] = bad
    stack = Stack(models, shares_x=True)
    with np.errstate(invalid="ignore"):
        assert stack.are_finite().tolist() == [True, False, True]


def test_what_is_not_finite_is_read_at_once() -> None:
    device = CountingBackend()
    stack = Stack(networks(backend=device), shares_x=True)
    device.reset()
    assert stack.are_finite().all()
    assert device.count("to host") == 1
