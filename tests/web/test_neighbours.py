"""The maps of t-SNE, where scikit-learn is installed: those alike lie together."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import UsageError
from mlp.models.model_file import load
from mlp.nn.network import MLP
from mlp.web import neighbours
from mlp.web.crowd import COUNT, crowd, values_of
from mlp.web.neighbours import LEVELS, maps_of_neighbours, neighbours_payload, neighbours_values

pytest.importorskip("sklearn", reason="t-SNE is scikit-learn's")


@pytest.mark.parametrize(("by", "least"), [("pixels", 0.5), ("last hidden layer", 0.7)])
def test_digits_that_are_alike_lie_together(reader: Path, by: str, least: float) -> None:
    model = load(reader)
    told = neighbours_payload(neighbours_values(model, by))
    json.dumps(told, allow_nan=False)
    points = np.array(told["points"])
    assert points.shape == (COUNT, 2)
    away = ((points[:, None] - points) ** 2).sum(axis=2) + 1e9 * np.eye(COUNT)
    labels = crowd().labels
    assert (labels[away.argmin(axis=1)] == labels).mean() > least
    values = values_of(model, by)
    rows = np.frombuffer(base64.b85decode(told["rows"]), np.int8).reshape(values.shape)
    np.testing.assert_allclose(rows * told["unit"], values, atol=0.51 * told["unit"])
    assert np.abs(rows).max() == LEVELS
    assert neighbours_payload(neighbours_values(model, by)) == told


def test_what_is_offered(reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert maps_of_neighbours(load(reader)) == ["pixels", "last hidden layer"]
    assert maps_of_neighbours(MLP([784, 10])) == ["pixels"]
    monkeypatch.setattr(neighbours, "find_spec", lambda name: None)
    assert maps_of_neighbours(load(reader)) == []


def test_what_has_no_map_is_refused() -> None:
    with pytest.raises(UsageError, match="no such map"):  # theirs are told by two numbers
        neighbours_values(MLP([784, 4, 10]), "outputs")
    with pytest.raises(UsageError, match="no such map"):
        neighbours_payload(neighbours_values(MLP([784, 10]), "last hidden layer"))
    model = MLP([784, 4, 10])
    model.linear[0].W[...] = 0
    with pytest.raises(UsageError, match="all digits are alike in this network's last hidden"):
        neighbours_payload(neighbours_values(model, "last hidden layer"))


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_narrow_layers_and_numbers_of_any_size(width: int, size: float) -> None:
    model = MLP([784, width, 10], activation="identity", seed=1)
    model.linear[0].W[...] *= size
    told = neighbours_payload(neighbours_values(model, "last hidden layer"))
    assert np.isfinite(told["points"]).all()
