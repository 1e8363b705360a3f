"""One update for the page: its stages hold the numbers of the step, and beside them its source."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from asgi import Client
from exported import OWN_LAYERS, randomise

from mlp.data.task import Task
from mlp.models.metadata import Metadata
from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP
from mlp.training.one_step import take_one_step
from mlp.web.app import MAX_ASKED
from mlp.web.step import answers_of, step_payload
from mlp.web.step_request import StepRequest

IMAGE = (np.arange(784) * 7 % 256).astype(np.uint8)
ONE_STEP = [name for name in OWN_LAYERS if not LAYERS[name].whole_batch]


def asked(targets: list[int], **changes: Any) -> StepRequest:
    given = {"lr": 0.1, "taken": 0, "units": [None, None]} | changes
    return StepRequest(IMAGE, np.array(targets, float), **given)


def parts_of(told: dict[str, Any]) -> list[dict[str, list[float]]]:
    return [{part["name"]: part["values"] for part in stage["parts"]} for stage in told["stages"]]


def test_the_numbers_are_those_of_the_step() -> None:
    model = MLP([784, 6, 10], "sigmoid", seed=2)
    targets = [0, 0, 0, 1] + [0] * 6
    told = step_payload(model, asked(targets, units=[5, None]))
    x = IMAGE.astype("float32") / np.float32(255)
    step = take_one_step(model, x, np.array(targets), 0.1)
    pixels, first, sigmoid, last, loss, dloss, *_ = parts_of(told)
    assert pixels["x"] == x.astype(float).tolist()
    assert first["y"] == sigmoid["x"] == step.passes[0].y.tolist()
    W = step.part(step.before, step.passes[0].layer, "W")
    assert first["W[:, 5]"] == W[:, 5].tolist()
    assert sum(first["x · W[:, 5]"]) == pytest.approx(first["y"][5] - first["b"][5])
    assert last["y"] == loss["outputs"]
    assert sum(loss["p"]) == pytest.approx(1)
    np.testing.assert_allclose(dloss["dy"], np.array(loss["p"]) - targets, rtol=1e-12, atol=1e-15)
    *_, back, update, update_last, answer = parts_of(told)
    assert back["dW[:, 5]"] == step.part(step.gradients, step.passes[0].layer, "W")[:, 5].tolist()
    np.testing.assert_allclose(
        update["change of W[:, 5]"], -0.1 * np.array(back["dW[:, 5]"]), rtol=1e-6, atol=1e-16
    )
    assert f"W[:, {told['units'][1]}] after" in update_last
    assert answer["after"][3] > answer["before"][3]
    assert (told["loss"], told["loss_after"]) == (step.loss, step.loss_after)
    groups = [stage["group"] for stage in told["stages"]]
    assert list(dict.fromkeys(groups)) == ["Forward", "Loss", "Back", "Update", "Answer"]


@pytest.mark.parametrize("name", ONE_STEP)
def test_every_layer_is_told_of_in_json(name: str) -> None:
    model = MLP([784, 4, 10], name, seed=1)
    randomise(model)
    told = step_payload(model, asked([1] + [0] * 9))
    json.dumps(told, allow_nan=False)
    for stage in told["stages"][1:-1]:
        assert stage["formula"]
        assert stage["source"]["code"].lstrip("@").split("(")[0]
    parameters = [name for part in parts_of(told) for name in part if name.endswith(" after")]
    assert len(parameters) == sum(1 for _ in model.named_parameters())


def test_answers_of_yes_and_no_are_walked_too() -> None:
    model = MLP([784, 4, 3], output="sigmoid", bias=False)
    model.metadata = Metadata(task=Task("multilabel", ("even", "round", "large")))
    assert answers_of(model) == {
        "names": ["even", "round", "large"],
        "kind": "multilabel",
        "layers": 2,
    }
    told = step_payload(model, asked([1, 0, 1]))
    assert told["stages"][-1]["parts"][0]["names"] == ["even", "round", "large"]
    assert not any("b" in part for part in parts_of(told))
    answer = told["stages"][-1]
    before, after = (
        " and ".join(n for n, p in zip(part["names"], part["values"], strict=True) if p > 0.5)
        for part in answer["parts"]
    )
    said = f"It answered {before or 'nothing'}, and answers {after or 'nothing'}."
    assert answer["says"].endswith(said)


def test_one_question_is_answered_by_the_share_of_its_yes() -> None:
    model = MLP([784, 4, 1])
    model.metadata = Metadata(task=Task("binary", ("is 3",)))
    answer = step_payload(model, asked([1]))["stages"][-1]
    before, after = (part["values"][0] for part in answer["parts"])
    said = f" It answered yes with {before:.1%}, and answers so with {after:.1%}."
    assert answer["says"].endswith(said)


def test_the_probabilities_are_those_that_it_learns_by_throughout() -> None:
    model = MLP([784, 4, 10], seed=3)
    plain = step_payload(model, asked([1] + [0] * 9))
    model.metadata = Metadata(temperature=2.5)
    told = step_payload(model, asked([1] + [0] * 9))
    *_, loss_at = (i for i, stage in enumerate(told["stages"]) if stage["group"] == "Loss")
    parts = parts_of(told)
    assert parts[loss_at]["p"] == parts[-1]["before"]
    assert parts == parts_of(plain)
    assert "the temperature 2.5 " in told["stages"][-1]["says"]
    assert "temperature" not in plain["stages"][-1]["says"]


def test_the_page_asks_for_it(client: Client) -> None:
    assert client.get("/step").status == 200
    answers = client.get("/api/step").json()
    assert answers["layers"] == 2
    body = {"image": IMAGE.tolist(), "targets": [1] + [0] * 9, "lr": 1, "taken": 1}
    good = json.dumps(body | {"units": [0, None]}).encode()
    told = client.post("/api/step", content=good)
    assert told.status == 200
    assert told.json()["units"][0] == 0
    refused = client.post("/api/step", content=json.dumps(body).encode())
    assert refused.status == 422
    assert "load the page again" in refused.json()["problem"]
    samples = client.get("/api/samples").json()["samples"]
    assert len(samples) == len(set(samples)) == 10


def test_a_question_that_is_too_large_is_refused(client: Client) -> None:
    response = client.post("/api/step", content=b"[" + b"[]," * (MAX_ASKED // 3 + 1))
    assert response.status == 413
    assert "the question has more than 1 MB" in response.json()["problem"]
    assert client.post("/api/step", content=b"[" * 100_000).status == 422
