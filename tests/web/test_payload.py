"""What the page shows of a picture: the answers, and what went on in the network."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from asgi import Client, png, read

from mlp.models.attribution import activations
from mlp.models.model_file import load
from mlp.models.predict import probabilities
from mlp.web.payload import UNITS_SHOWN


def decoded(text: str, dtype: str = "int8") -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype)


@pytest.mark.parametrize("digit", range(10))
def test_every_digit_is_read(client: Client, digit: int) -> None:
    result = read(client, png(digit))
    assert result["text"] == str(digit)
    (shown,) = result["digits"]
    assert shown["confidence"] == max(shown["probabilities"])
    assert sum(shown["probabilities"]) == pytest.approx(1)


def test_what_the_network_saw_and_did_is_told(client: Client, reader: Path) -> None:
    model = load(reader)
    result = read(client, png(7))
    assert result["model"]["layers"] == list(model.sizes)
    (shown,) = result["digits"]
    image = decoded(shown["image"], "uint8").reshape(28, 28)
    expected = probabilities(model, image[None])[0]
    np.testing.assert_allclose(shown["probabilities"], expected, rtol=1e-6)

    hidden, output = shown["layers"]
    assert (hidden["units"], output["units"]) == (64, 10)
    values = activations(model, image)
    ranks = [np.argsort(v)[-3:].tolist() for v in (values[1], decoded(output["values"]))]
    assert ranks[0] == ranks[1]
    assert ((decoded(hidden["values"]) > 0) <= (values[0] > 0)).all()

    adds = [unit["adds"] for unit in shown["units"]]
    assert len(adds) == UNITS_SHOWN
    assert adds == sorted(adds, reverse=True)
    W, last = (model.backend.to_numpy(layer.W) for layer in model.linear)
    for unit in shown["units"]:
        assert unit["adds"] == pytest.approx(
            values[0][unit["unit"]] * last[unit["unit"], 7], rel=1e-4
        )
        correlation = np.corrcoef(decoded(unit["weights"]), W[:, unit["unit"]])[0, 1]
        assert correlation > 0.97
    evidence = decoded(shown["evidence"]).reshape(28, 28)
    assert not evidence[image == 0].any(), "paper adds nothing"
    assert evidence.any()


def test_an_empty_canvas_is_empty(client: Client) -> None:
    result = read(client, png())
    assert (result["text"], result["digits"]) == ("", [])


def test_a_line_is_read_from_left_to_right(client: Client) -> None:
    result = read(client, png(2, 0, 7))
    assert result["text"] == "207"
    lefts = [digit["box"]["left"] for digit in result["digits"]]
    assert lefts == sorted(lefts)
    assert max(digit["box"]["right"] for digit in result["digits"]) <= result["width"]


def test_a_network_without_hidden_layers_is_shown_too(client: Client) -> None:
    (shown,) = read(client, png(1), params={"model": "other.safetensors"})["digits"]
    assert [layer["units"] for layer in shown["layers"]] == [10]
    (unit,) = shown["units"]
    assert unit["unit"] == int(np.argmax(shown["probabilities"]))
    assert unit["adds"] is None
