"""The digits beside one's own: their places on the maps, and those that excite a unit."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from asgi import Client

from mlp.common.errors import UsageError
from mlp.models.attribution import activations
from mlp.models.model_file import load
from mlp.nn.network import MLP
from mlp.web.crowd import COUNT, crowd, crowd_payload, exciting_payload, map_of, responses

RNG = np.random.default_rng(3)


def test_a_map_has_the_directions_of_greatest_variance() -> None:
    values = RNG.normal(size=(50, 6)) * [5, 1, 3, 0.1, 0.1, 0.1] + 7
    told = map_of(values)
    covariance = np.cov(values.T)
    largest, directions = np.linalg.eigh(covariance)
    for axis, expected in zip(told["axes"], directions.T[[-1, -2]], strict=True):
        assert abs(np.dot(axis, expected)) == pytest.approx(1)
        assert max(axis, key=abs) > 0
    np.testing.assert_allclose(np.var(told["points"], axis=0, ddof=1), largest[[-1, -2]])
    assert told["share"] == pytest.approx(largest[-2:].sum() / largest.sum())
    np.testing.assert_allclose(np.mean(told["points"], axis=0), 0, atol=1e-12)


def test_values_that_do_not_differ_lie_in_one_place() -> None:
    told = map_of(np.ones((5, 1)))
    assert np.ptp(told["points"]) == 0
    assert told["share"] == 0


def test_the_network_sets_digits_apart(reader: Path) -> None:
    told = crowd_payload(load(reader))
    assert list(told["maps"]) == ["pixels", "last hidden layer", "outputs"]
    json.dumps(told, allow_nan=False)
    labels = np.array(told["labels"])
    assert len(labels) == COUNT

    def alike(by: str) -> float:
        points = np.array(told["maps"][by]["points"])
        away = ((points[:, None] - points) ** 2).sum(axis=2) + 1e9 * np.eye(COUNT)
        return float((labels[away.argmin(axis=1)] == labels).mean())

    assert alike("outputs") > alike("pixels") > 0.1, "the nearest digit is of the same kind"
    assert list(crowd_payload(MLP([784, 10]))["maps"]) == ["pixels", "outputs"]


def test_responses_are_those_of_single_images(reader: Path) -> None:
    model = load(reader)
    for layer in range(2):
        expected = activations(model, crowd().images[7])[layer]
        np.testing.assert_allclose(responses(model, layer)[7], expected, rtol=1e-4, atol=1e-5)


def test_the_most_exciting_come_first(client: Client, reader: Path) -> None:
    model = load(reader)
    told = exciting_payload(model, 0, 5)
    strongest = sorted(responses(model, 0)[:, 5], reverse=True)[:6]
    np.testing.assert_allclose(told["responses"], strongest, rtol=1e-5)
    first = np.frombuffer(base64.b85decode(told["images"][0]), np.uint8)
    assert activations(model, first)[0][5] == pytest.approx(told["responses"][0], rel=1e-4)
    asked = client.get("/api/exciting", params={"layer": "0", "unit": "5"})
    assert asked.json()["images"] == told["images"]


@pytest.mark.parametrize(
    ("layer", "unit"), [("2", "0"), ("0", "64"), ("-1", "0"), ("", ""), ("0", "9" * 30)]
)
def test_a_unit_that_there_is_not_is_refused(client: Client, layer: str, unit: str) -> None:
    refused = client.get("/api/exciting", params={"layer": layer, "unit": unit})
    assert refused.status == 422
    assert "no such unit" in refused.json()["problem"]


def test_numbers_beyond_all_bounds_are_told() -> None:
    model = MLP([784, 10])
    model.parameters[...] = 3e38
    with pytest.raises(UsageError, match="beyond all bounds"):
        responses(model, 0)
