"""Batch normalisation in state-dicts of PyTorch: written, read, and refused where it is unclear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import randomise
from safetensors.numpy import load_file, save_file
from small_networks import assert_same
from toys import toy_model

from mlp.common.errors import ModelError
from mlp.models.formats.convert import read_model, write_model
from mlp.nn.network import MLP


def normed(activation: str = "batch_norm(0.1, 0.001),tanh", **options: Any) -> MLP:
    model = toy_model(activation=activation, bias_init="normal(1)", **options)
    randomise(model)
    return model


def tensors(**changes: Any) -> dict[str, Any]:
    """A network of PyTorch's whose modules are called fc1, bn1, fc2, bn2 and fc3."""
    model, named = normed("batch_norm,relu"), {}
    for k, block in enumerate(model.blocks, 1):
        linear: Any = block[0]
        named |= {f"fc{k}.weight": linear.W.T, f"fc{k}.bias": linear.b}
        if k < len(model.blocks):
            norm: Any = block[1]
            named |= {f"bn{k}.weight": norm.gain, f"bn{k}.bias": norm.shift}
            named |= {f"bn{k}.running_mean": norm.running_mean}
            named |= {f"bn{k}.running_var": norm.running_var}
            named |= {f"bn{k}.num_batches_tracked": np.array(9)}
    named |= changes
    return {name: np.ascontiguousarray(a) for name, a in named.items() if a is not None}


def renamed(before: str, after: str) -> dict[str, Any]:
    return {name.replace(before, after): array for name, array in tensors().items()}


@pytest.mark.parametrize("output", ["identity", "batch_norm"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_they_are_named_as_a_sequential_names_them(dtype: str, output: str, tmp_path: Path) -> None:
    model = normed(dtype=dtype, output=output)
    write_model(model, path := tmp_path / "net.safetensors", "torch")
    found, norm = load_file(path), model.blocks[1][1]
    np.testing.assert_array_equal(found["4.running_var"], norm.running_var)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found["4.weight"], norm.gain)  # type: ignore[attr-defined]
    assert_same(read_model(path), model)


def test_pytorch_computes_the_same(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    model = normed()
    write_model(model, path := tmp_path / "net.safetensors", "torch")
    nn, layers = torch.nn, []
    for inputs, outputs in ((16, 9), (9, 7)):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs, eps=0.001), nn.Tanh()]
    theirs = nn.Sequential(*layers, nn.Linear(7, 5))
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in load_file(path).items()})
    theirs.eval()
    x = np.random.default_rng(0).normal(size=(6, 16)).astype(np.float32)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model.forward(x), expected, rtol=1e-5, atol=1e-6)
    state = {k: v.numpy() for k, v in theirs.state_dict().items()}  # with num_batches_tracked
    save_file(state, tmp_path / "theirs.safetensors")
    read = read_model(tmp_path / "theirs.safetensors", activation=model.activation)
    assert_same(read, model)


@pytest.mark.parametrize("content", [tensors(), renamed("bn", "net.norm"), renamed("bn", "bn1")])
def test_modules_are_taken_in_the_order_of_their_numbers(
    content: dict[str, Any], tmp_path: Path
) -> None:
    save_file(content, path := tmp_path / "net.safetensors")
    assert_same(read_model(path), normed("batch_norm,relu"))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a variance below 0": (
        tensors(**{"bn1.running_var": np.full(9, -1.0, "float32")}),
        "running_var of -1, which must be at least 0",
    ),
    "no number": (tensors(**{"bn2.running_mean": np.full(7, np.nan, "float32")}), "not finite"),
    "no statistics": (
        tensors(**{"bn1.running_var": None, "bn1.running_mean": None}),
        "rename them 0.weight",
    ),
    "a part missing": (tensors(**{"bn1.bias": None}), "rename them 0.weight"),
    "another shape": (
        tensors(**{"bn1.bias": np.ones(3, "float32")}),
        "rename them 0.weight",
    ),
    "a matrix": (
        {n: a[None] if n.startswith("bn") and a.ndim else a for n, a in tensors().items()},
        "rename them 0.weight",
    ),
    "names without an order": (renamed("bn1", "first"), "rename them 0.weight"),
    "one alone": (
        {name: array for name, array in tensors().items() if "bn2" not in name},
        "of 9 units, but a network of batch_norm,relu has it of 9, 7",
    ),
    "turned round": (
        {n.replace("bn1", "bn3"): array for n, array in tensors().items()},
        "of 7, 9 units, but",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_unclear_or_damaged_is_refused(case: str, tmp_path: Path) -> None:
    content, sentence = REFUSED[case]
    save_file(content, path := tmp_path / "net.safetensors")
    with pytest.raises(ModelError, match=sentence):
        read_model(path)


def test_other_activations_are_refused_by_what_they_lack(tmp_path: Path) -> None:
    save_file(tensors(), path := tmp_path / "net.safetensors")
    with pytest.raises(ModelError, match="a network of tanh has it of no: say an --activation"):
        read_model(path, activation="tanh")
    read = read_model(path, activation="tanh,batch_norm(0.5)")
    assert read.activation == "tanh,batch_norm(0.5)"
    with pytest.raises(ModelError, match="no parameters of batch_norm,layer_norm but"):
        read_model(path, activation="batch_norm,layer_norm")
    with pytest.raises(ModelError, match="layer_norm, with parameters"):
        write_model(toy_model(activation="batch_norm,layer_norm"), tmp_path / "x", "torch")
