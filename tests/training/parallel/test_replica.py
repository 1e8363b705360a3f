"""Replicas: the same parameters, gradients and buffers of their own."""

from __future__ import annotations

import numpy as np
from toys import toy_model

from mlp.training.parallel.replica import Replica


def test_a_replica_has_the_parameters_and_gradients_of_its_own() -> None:
    model = toy_model(activation="leaky_relu(0.3)", bias_init="normal(1)", dtype="float64")
    replica = Replica(model)
    assert replica.parameters is model.parameters
    assert replica.gradients is not model.gradients
    x = np.random.default_rng(0).normal(size=(5, 16))
    y, other = model.forward(x), replica.forward(x)
    np.testing.assert_array_equal(other, y)
    assert not np.shares_memory(other, y)
    model.parameters[:] = 0.0
    assert not replica.forward(x).any()
    assert repr(replica) == repr(model)
