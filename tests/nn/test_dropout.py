"""Dropout: what it keeps, its gradients, and that it depends on the seed alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gradients import check_gradient
from toys import toy_dataset, toy_model

import backends.cpu
from backends import get_backend
from mlp.nn.dropout import Dropout, DropoutNetwork
from mlp.nn.losses import LOSSES
from mlp.training.loop import train
from mlp.training.recipe import Recipe

CPU = get_backend("cpu")
DATA = toy_dataset()  # 60 images


# One layer


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_it_leaves_out_the_share_and_keeps_the_mean(p: float) -> None:
    y = Dropout(p, 500, CPU, "float64").forward(np.ones((400, 500)))
    assert set(np.unique(y)) == {0.0, 1 / (1 - p)}
    deviation = (p / (1 - p) / y.size) ** 0.5
    assert abs(y.mean() - 1) < 5 * deviation
    assert (y == 0).mean() == pytest.approx(p, abs=5 * deviation)
    of_examples, of_units = y.mean(axis=1), y.mean(axis=0)
    for means, count in ((of_examples, 500), (of_units, 400)):
        assert means.std() == pytest.approx((p / (1 - p) / count) ** 0.5, rel=0.25)


def test_masks_are_independent() -> None:
    dropout = Dropout(0.5, 300, CPU, "float64")
    masks = [dropout.forward(np.ones((300, 300))).copy() - 1 for _ in range(3)]
    for other in (masks[1], masks[2], masks[0].T, np.roll(masks[0], 1), np.roll(masks[0], 300)):
        assert abs((masks[0] * other).mean()) < 5 / 300


def test_gradient() -> None:
    """With the mask held: central differences at each input, dropped ones included."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, 5, 7))
    dropout = Dropout(0.4, 7, CPU, "float64")

    def value() -> float:
        dropout.bits.seek(123)
        return float((dropout.forward(x) * dy).sum())

    value()
    gradient = dropout.backward(dy)
    assert (gradient == 0).any()
    check_gradient("dx", value, x, gradient)


# A network


@pytest.mark.parametrize(("input_p", "p"), [(0.3, 0.0), (0.0, 0.5), (0.3, 0.5)])
def test_gradients_of_a_thinned_network(input_p: float, p: float) -> None:
    model = toy_model(activation="tanh", dtype="float64")
    dropping = DropoutNetwork(model, input_p, p)
    dropping.start_epoch(0, 0)
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(6, 16)), rng.integers(0, 5, 6)
    criterion = LOSSES["cross_entropy"](5, CPU, "float64")

    def value() -> float:
        dropping.seek(30)
        return float(criterion.forward(dropping.forward(x), labels).item())

    value()
    dropping.backward(criterion.backward())
    check_gradient("parameters", value, model.parameters, model.gradients)


def test_dropout_stands_before_the_first_and_after_the_hidden_layers() -> None:
    names = [type(layer).__name__ for layer in DropoutNetwork(toy_model(), 0.2, 0.5).layers]
    assert names == [
        "Dropout", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear", "Identity",
    ]  # fmt: skip
    names = [type(layer).__name__ for layer in DropoutNetwork(toy_model(), 0.0, 0.5).layers]
    assert names.count("Dropout") == 2
    assert names[0] == "Linear"


def test_layers_and_epochs_have_masks_of_their_own() -> None:
    model = toy_model(16, 16)
    dropping = DropoutNetwork(model, 0.5, 0.5)
    masks = []
    for epoch in range(2):
        dropping.start_epoch(0, epoch)
        masks += [dropout.forward(np.ones((50, 16))).tobytes() for dropout in dropping.dropouts]
    assert len(set(masks)) == 6


def test_the_network_itself_is_whole() -> None:
    """What is evaluated and saved has no dropout in it: the same outputs each time."""
    model = toy_model()
    train(model, DATA, Recipe(epochs=1, dropout=0.5, input_dropout=0.5))
    x = np.ones((3, 16), np.float32)
    first = model.forward(x).copy()
    np.testing.assert_array_equal(model.forward(x), first)
    assert "Dropout" not in {type(layer).__name__ for layer in model.layers}


# Runs


def trained(**recipe: Any) -> np.ndarray:
    model = toy_model(dtype="float64")
    train(model, DATA, Recipe(**{"batch_size": 25, "epochs": 3, "lr": 0.1, **recipe}))
    parameters: np.ndarray = model.parameters
    return parameters


@pytest.mark.parametrize("batch_size", [25, 60, "full"])
def test_a_run_does_not_depend_on_micro_batches(
    batch_size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = {"batch_size": batch_size, "dropout": 0.5, "input_dropout": 0.2, "max_norm": 1.0}
    whole = trained(**recipe)
    monkeypatch.setattr(backends.cpu, "WORKING_SET_BYTES", 3000)
    np.testing.assert_allclose(trained(**recipe), whole, rtol=0, atol=1e-12)


def test_a_run_depends_on_the_seed_alone() -> None:
    assert trained(dropout=0.5).tobytes() == trained(dropout=0.5).tobytes()
    assert not np.allclose(trained(dropout=0.5), trained(dropout=0.5, seed=1))
    assert not np.allclose(trained(dropout=0.5), trained())


def test_it_still_learns() -> None:
    recipe = Recipe(batch_size=8, epochs=60, lr=0.05, dropout=0.2, max_norm=2.0)
    history = train(toy_model(32, activation="relu"), DATA, recipe)
    assert history.epochs[-1].train_accuracy > 0.9
