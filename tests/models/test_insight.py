"""A look into a network: which units are dead or saturated, and what is counted."""

from __future__ import annotations

import numpy as np
import pytest
from toys import DATA, toy_model

from mlp.models.insight import BINS, histogram, look_into
from mlp.models.predict import probabilities
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP

X = (DATA.test.images.reshape(20, 16) / 255).astype(np.float32)
LABELS = DATA.test.labels


def test_it_answers_and_measures_as_the_network_does_and_changes_nothing() -> None:
    model = toy_model()
    before = model.parameters.copy()
    seen = look_into(model, "cross_entropy", X, LABELS)
    np.testing.assert_array_equal(model.parameters, before)
    expected = probabilities(model, DATA.test.images)
    np.testing.assert_allclose(seen.probabilities, expected, rtol=1e-5)
    right = expected[np.arange(20), LABELS]
    assert seen.loss == pytest.approx(-np.log(right).mean(), rel=1e-5)
    assert [layer.units for layer in seen.layers] == [9, 7, 5]
    assert [layer.name for layer in seen.layers] == ["ReLU()", "ReLU()", "Identity()"]
    for layer, inputs in zip(seen.layers, (16, 9, 7), strict=True):
        assert sum(layer.activations.counts) == 20 * layer.units
        assert sum(layer.gradients.counts) == inputs * layer.units


def test_the_gradient_is_that_of_the_loss() -> None:
    model = toy_model(dtype="float64")
    seen = look_into(model, "cross_entropy", X, LABELS)
    criterion = LOSSES.make("cross_entropy", 5, model.backend, "float64")
    criterion.forward(model.forward(X.astype(np.float64)), LABELS.astype(np.int64))
    model.backward(criterion.backward())
    assert seen.layers[1].gradients == histogram(model.linear[1].dW)


def test_dead_units_are_told() -> None:
    model = toy_model()
    before = look_into(model, "cross_entropy", X, LABELS).layers[0].dead
    assert not {2, 5} & set(before)
    model.linear[0].b[[2, 5]] = -1e3
    seen = look_into(model, "cross_entropy", X, LABELS)
    assert set(seen.layers[0].dead) == {2, 5} | set(before)
    assert seen.layers[0].saturated == []
    assert seen.layers[2].dead == []


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_saturated_units_are_told_and_are_not_called_dead(activation: str) -> None:
    model = toy_model(activation=activation)
    model.linear[0].b[[1, 4]] = 30.0, -30.0
    seen = look_into(model, "cross_entropy", X, LABELS)
    assert seen.layers[0].saturated == [1, 4]
    assert seen.layers[0].dead == []


@pytest.mark.parametrize("loss", ["quadratic", "binary_cross_entropy"])
def test_several_answers_an_image(loss: str) -> None:
    output = "sigmoid" if loss == "quadratic" else "identity"
    model = MLP([16, 4, 3], output=output)
    labels = np.random.default_rng(0).integers(0, 2, (20, 3)).astype(np.uint8)
    assert np.isfinite(look_into(model, loss, X, labels).loss)


def test_values_that_are_not_finite_do_not_count() -> None:
    values = np.array([np.nan, np.inf, 1.0, 2.0])
    assert sum(histogram(values).counts) == 2
    assert histogram(np.array([np.nan])).counts == [0] * BINS
    one = histogram(np.full(7, 3.0))
    assert one.low < 3 < one.high
    assert sum(one.counts) == 7


def test_an_outlier_does_not_empty_the_histogram() -> None:
    values = np.append(np.linspace(-1, 1, 5000), 1e9)
    assert histogram(values).high < 2
    assert min(histogram(values).counts) > 100
