"""``mlp show robustness``: what a network bears."""

from __future__ import annotations

import json
from pathlib import Path

from view_command import DATA, lines, refusal, show

from mlp.data.disturb import DISTURBANCES
from mlp.data.load import Dataset
from mlp.data.task import Task
from mlp.models import model_file
from mlp.models.metadata import Metadata
from mlp.models.predict import predict
from mlp.nn.network import MLP


def test_robustness_is_told_in_bars_and_as_json(model: str, data: Dataset) -> None:
    accuracy = (predict(model_file.load(model), data.test.images) == data.test.labels).mean()
    found = lines("robustness", model, "--dataset", DATA)
    assert found[0] == "60 synthetic test images, as they are and made harder to read"
    assert f"noise (its deviation, 1 for ink): {accuracy:.2%} as they are" in found[1]
    told = json.loads(show("robustness", model, "--dataset", DATA, "--json").stdout)
    assert (told["model"], told["images"]) == (model, 60)
    for kind in ("noise", "rotation", "thickness"):
        assert {"amount": 0.0, "accuracy": accuracy} in told[kind]
        assert sum(" |" in line for line in found) == sum(len(told[k]) for k in DISTURBANCES)


def test_robustness_refuses(tmp_path: Path) -> None:
    network = MLP([784, 1])
    network.metadata = Metadata(task=Task("regression", ("age",), (), (0.0,), (1.0,)))
    model_file.save(network, tmp_path / "age.safetensors")
    assert "no accuracy" in refusal("robustness", str(tmp_path / "age.safetensors"))
