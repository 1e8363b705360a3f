"""Networks for the page: every layer has a form or is refused by name, and numbers stay exact."""

from __future__ import annotations

import base64
import re
import zlib
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from exported import MODULES_OF_LAYERS, OWN_LAYERS

from mlp.common.errors import ModelError
from mlp.data.inputs import Columns, Pixels
from mlp.data.task import Task
from mlp.models.metadata import Metadata
from mlp.models.quantise import quantise
from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP
from mlp.web.network import FORMS, network_payload, packed


def unpacked(told: dict[str, Any]) -> np.ndarray:
    planes = np.frombuffer(zlib.decompress(base64.b85decode(told["data"])), np.uint8)
    little = np.ascontiguousarray(planes.reshape(-1, told["count"]).T)
    return little.view(np.dtype(told["dtype"]).newbyteorder("<")).ravel()


@pytest.mark.parametrize("name", OWN_LAYERS)
def test_every_layer_has_a_form_or_is_refused_by_name(name: str) -> None:
    model = MLP([784, 3, 10], name)
    if LAYERS[name] not in FORMS:
        with pytest.raises(ModelError, match=f"the page has no form of {name}, .*safetensors"):
            network_payload(model, "net")
        return
    kind = network_payload(model, "net")["layers"][1]["kind"]
    script = (files("mlp.web") / "static" / "network.js").read_text("utf-8")
    assert re.search(rf"^  {kind}: ", script, re.MULTILINE), "the script computes it"


def test_forms_are_of_layers_that_there_are() -> None:
    assert {kind.__module__ for kind in FORMS} <= {"mlp.nn.layers", *MODULES_OF_LAYERS}


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0.5, -2.0, 65504.0, 2.0**-24, -0.0], "float16"),
        ([0.1, 1e30], "float32"),
        ([65536.0], "float32"),
        ([0.1, 1e300], "float64"),
    ],
)
def test_numbers_are_packed_exactly_in_the_narrowest_dtype(values: list[float], dtype: str) -> None:
    given = np.array(values, "float64" if dtype == "float64" else "float32")
    told = packed(given)
    assert told["dtype"] == dtype
    np.testing.assert_array_equal(unpacked(told).astype(given.dtype), given)


def test_weights_of_eight_bits_stay_in_eight_bits() -> None:
    model = MLP([784, 10], seed=3)
    W = model.linear[0].W
    q, scales = quantise(W)
    W[...] = q * scales
    (layer, _) = network_payload(model, "net")["layers"]
    assert layer["W"]["dtype"] == "int8"
    kept = unpacked(layer["W"]).reshape(W.shape) * unpacked(layer["scales"]).astype("float32")
    np.testing.assert_array_equal(kept, W)


@pytest.mark.parametrize(
    ("sizes", "metadata", "told"),
    [
        ([64, 10], Metadata(), "64 pixels"),
        ([784, 10], Metadata(inputs=Pixels(shape=(14, 56))), "14 x 56"),
        ([784, 1], Metadata(task=Task("regression", ("y",), (), (0.0,), (1.0,))), "regression"),
        (
            [2, 10],
            Metadata(inputs=Columns(("length", "width"), (0.0, 0.0), (1.0, 1.0))),
            "reads 2 columns",
        ),
    ],
)
def test_what_reads_no_drawings_is_refused(sizes: list[int], metadata: Metadata, told: str) -> None:
    model = MLP(sizes)
    model.metadata = metadata
    with pytest.raises(ModelError, match=told):
        network_payload(model, "net")
