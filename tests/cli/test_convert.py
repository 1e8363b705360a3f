"""``mlp convert``: what it writes and prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command, refused

from mlp.models.formats.convert import read_model
from mlp.models.model_file import load, save
from mlp.nn.network import MLP


@pytest.fixture
def model(tmp_path: Path) -> MLP:
    model = MLP([784, 5, 10], "tanh")
    save(model, tmp_path / "net.safetensors")
    return model


def test_weights_are_converted_and_described(mlp: Command, model: MLP, tmp_path: Path) -> None:
    result = mlp("convert", "net.safetensors", "net.npz")
    assert result.out == f"net.npz: {model} as npz, 3,985 parameters\n"
    told = json.loads(mlp("convert", "net.npz", "back.safetensors", "--json").out)
    assert (told["path"], told["form"]) == ("back.safetensors", "safetensors")
    assert (told["layers"], told["activation"], told["parameters"]) == ([784, 5, 10], "tanh", 3985)
    assert (load(tmp_path / "back.safetensors").parameters == model.parameters).all()


@pytest.mark.usefixtures("model")
def test_weights_are_replaced_only_on_request(mlp: Command, tmp_path: Path) -> None:
    (tmp_path / "net.npz").write_bytes(b"mine")
    refused(mlp("convert", "net.safetensors", "net.npz"), "net.npz", "--force", code=2)
    assert (tmp_path / "net.npz").read_bytes() == b"mine"
    assert mlp("convert", "net.safetensors", "net.npz", "--force").code == 0
    assert read_model(tmp_path / "net.npz").sizes == (784, 5, 10)
