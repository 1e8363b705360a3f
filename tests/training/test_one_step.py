"""One update, kept: its numbers are those of a training step, and of differences of the loss."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from mlp.common.errors import UsageError
from mlp.data.task import Task
from mlp.models.formats.parameters import on_cpu
from mlp.models.metadata import Metadata
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.training.one_step import OneStep, loss_of, take_one_step
from mlp.training.recipe import Recipe
from mlp.training.step import Step

RNG = np.random.default_rng(5)
X, T = RNG.uniform(size=12), np.eye(4)[2]


def model(activation: str = "tanh", output: str = "identity") -> MLP:
    return MLP([12, 7, 5, 4], activation, output, seed=3, bias_init="normal(0.3)")


def loss_at(step: OneStep, parameters: np.ndarray) -> float:
    """The loss of the step's example at other parameters."""
    step.model.parameters[...] = parameters
    outputs = step.model.forward(X[None])
    return float(step.criterion.forward(outputs, T[None]).item())


@pytest.mark.parametrize("activation", ["tanh", "relu", "layer_norm,gelu"])
def test_it_is_a_training_step_of_one_example(activation: str) -> None:
    net = model(activation)
    step = take_one_step(net, X, T, 0.3)
    copy = on_cpu(net, "float64")
    training = Step(copy, Recipe(momentum=0.0))
    loss = training.gradient(X[None], T[None])
    np.testing.assert_array_equal(step.gradients, copy.gradients)
    training.update(np.full(1, 0.3))
    assert step.loss == loss.item()
    np.testing.assert_array_equal(step.after, copy.parameters)
    np.testing.assert_array_equal(step.outputs_after, copy.forward(X[None])[0])
    assert step.loss_after < step.loss


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    step = take_one_step(model(), X, T, 0.1)
    for at in (0, 50, 100, len(step.before) - 1):
        nudge = np.zeros_like(step.before)
        nudge[at] = 1e-6
        slope = (loss_at(step, step.before + nudge) - loss_at(step, step.before - nudge)) / 2e-6
        assert step.gradients[at] == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_each_layer_hands_on_what_the_next_one_gets() -> None:
    net = model()
    kept = net.parameters.copy()
    step = take_one_step(net, X, T, 0.1)
    np.testing.assert_array_equal(net.parameters, kept)
    np.testing.assert_array_equal(step.passes[0].x, X)
    assert [p.block for p in step.passes] == [0, 0, 1, 1, 2, 2]
    for near, far in zip(step.passes, step.passes[1:], strict=False):
        np.testing.assert_array_equal(near.y, far.x)
        assert far.dx is not None
        np.testing.assert_array_equal(near.dy, far.dx)
    np.testing.assert_array_equal(step.passes[-1].dy, step.doutputs)
    assert step.passes[0].dx is None
    first = step.passes[0]
    dW = step.part(step.gradients, first.layer, "W")
    np.testing.assert_allclose(dW, np.outer(X, first.dy), rtol=1e-15)


def test_updates_that_were_taken_before_lead_to_the_next() -> None:
    third = take_one_step(model(), X, T, 0.2, taken=2)
    second = take_one_step(model(), X, T, 0.2, taken=1)
    np.testing.assert_array_equal(third.before, second.after)
    assert third.loss == second.loss_after


def test_what_cannot_be_walked_is_refused() -> None:
    with pytest.raises(UsageError, match="choose a model without batch_norm"):
        take_one_step(model("batch_norm,relu"), X, T, 0.1)
    net = MLP([12, 7, 5, 4], "relu", dtype="float64")
    net.parameters[...] = 1e200
    with pytest.raises(UsageError, match="choose a lower one"):
        take_one_step(net, X, T, 100.0)


@pytest.mark.parametrize(
    ("metadata", "output", "named"),
    [
        (Metadata(), "identity", "cross_entropy"),
        (Metadata(), "sigmoid", "quadratic"),
        (Metadata(recipe={"loss": "quadratic"}), "identity", "quadratic"),
        (Metadata(recipe={"loss": "no such loss"}), "identity", "cross_entropy"),
        (Metadata(recipe={"loss": 5}), "sigmoid", "quadratic"),
        (Metadata(task=Task("multilabel", tuple("abcd"))), "identity", "binary_cross_entropy"),
        (
            Metadata(recipe={"loss": "cross_entropy"}, task=Task("multilabel", tuple("abcd"))),
            "identity",
            "binary_cross_entropy",
        ),
    ],
)
def test_the_loss_is_the_one_it_learnt_by(metadata: Metadata, output: str, named: str) -> None:
    net = model(output=output)
    net.metadata = metadata
    assert loss_of(net) == named
    assert isinstance(take_one_step(net, X, T, 0.1).criterion, LOSSES[named])


def test_a_step_leaves_nothing_for_the_collector() -> None:
    """Its arrays are as large as the network, and a page takes many between two collections."""
    gc.collect()
    gc.disable()
    try:
        step = take_one_step(model(), X, T, 0.1)
        held = [weakref.ref(step.model.parameters), weakref.ref(step.model.gradients)]
        del step
        assert [array() for array in held] == [None, None]
    finally:
        gc.enable()
