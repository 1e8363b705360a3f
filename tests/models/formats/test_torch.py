"""State-dicts of PyTorch: read under whatever names, where the shapes make one chain of layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from small_networks import assert_not_read, assert_same
from toys import toy_model

from mlp.data.task import Task
from mlp.models.formats.convert import read_model, write_model
from mlp.models.metadata import Metadata, task_of
from mlp.nn.network import MLP

RNG = np.random.default_rng(0)


def arrays(**shapes: tuple[int, ...]) -> dict[str, Any]:
    """Arrays of these shapes; an underscore in a name is a dot."""
    return {
        name.replace("_", "."): RNG.normal(size=shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def test_they_are_named_as_a_sequential_names_them(tmp_path: Path) -> None:
    model = toy_model(activation="tanh", bias_init="normal(1)")
    model.metadata = Metadata(task=Task("multilabel", tuple("abcde")))
    write_model(model, path := tmp_path / "net.safetensors", "torch")
    found = load_file(path)
    assert list(found) == [f"{k}.{part}" for k in (0, 2, 4) for part in ("bias", "weight")]
    np.testing.assert_array_equal(found["2.weight"], model.linear[1].W.T)
    same = read_model(path)
    assert_same(same, model)
    assert task_of(same) == task_of(model)


def test_pytorch_computes_the_same(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    model = toy_model(activation="tanh", bias_init="normal(1)")
    write_model(model, path := tmp_path / "net.safetensors", "torch")
    nn = torch.nn
    theirs = nn.Sequential(nn.Linear(16, 9), nn.Tanh(), nn.Linear(9, 7), nn.Tanh(), nn.Linear(7, 5))
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in load_file(path).items()})
    x = RNG.normal(size=(6, 16)).astype(np.float32)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model.forward(x), expected, rtol=1e-5, atol=1e-6)
    other = {k: v.numpy() + 1 for k, v in theirs.state_dict().items()}
    save_file(other, tmp_path / "theirs.safetensors")
    read = read_model(tmp_path / "theirs.safetensors", activation="tanh")
    np.testing.assert_array_equal(read.linear[1].W, other["2.weight"].T)


READ: dict[str, tuple[dict[str, Any], list[str]]] = {
    "numbers": (
        arrays(fc2_weight=(4, 6), fc10_weight=(2, 4), fc1_weight=(6, 6)),
        ["fc1", "fc2", "fc10"],
    ),
    "words": (arrays(out_weight=(2, 5), hidden_weight=(5, 8)), ["hidden", "out"]),
    "equal ones": (
        arrays(a_1_weight=(5, 5), a_0_weight=(5, 5), out_weight=(2, 5), in_weight=(5, 8)),
        ["in", "a.0", "a.1", "out"],
    ),
    "one": (arrays(weight=(2, 3)), [""]),
    "of twelve layers": (
        arrays(**{f"net_{k}_weight": (5, 5) for k in range(11)}, head_weight=(3, 5)),
        [*(f"net.{k}" for k in range(11)), "head"],
    ),
}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("case", READ)
def test_the_shapes_tell_the_order(case: str, dtype: str, tmp_path: Path) -> None:
    named, order = READ[case]
    content = {name: array.astype(dtype) for name, array in named.items()}
    save_file(content, path := tmp_path / "net.safetensors")
    model = read_model(path)
    assert model.dtype == ("float64" if dtype == "float64" else "float32")
    assert not model.bias
    expected = [content[f"{name}.weight".lstrip(".")].T for name in order]
    for layer, W in zip(model.linear, expected, strict=True):
        np.testing.assert_array_equal(layer.W, W)


BIASED = arrays(a_weight=(5, 8), a_bias=(5,), b_weight=(2, 5), b_bias=(2,))
REFUSED: dict[str, dict[str, Any]] = {
    "a convolution": BIASED | arrays(conv_weight=(4, 1, 3, 3)),
    "a norm": BIASED | arrays(norm_weight=(5,), norm_bias=(5,)),
    "no chain": arrays(a_weight=(5, 8), b_weight=(2, 4)),
    "one bias": {k: v for k, v in BIASED.items() if k != "a.bias"},
    "a long bias": BIASED | arrays(b_bias=(3,)),
    "another array": BIASED | arrays(scale=(1,)),
    "either order": arrays(decoder_weight=(8, 4), encoder_weight=(4, 8)),
    "a ring": arrays(x_weight=(4, 4), y_weight=(4, 4)),
    "a thousand": {f"{k:04}.weight": np.ones((1, 1), np.float32) for k in range(1_000)},
    "whole numbers": {"a.weight": np.ones((2, 3), np.int32)},
    "none": {},
    "many words": {f"{c}.weight": np.ones((3, 3), np.float32) for c in "abcdefghijklmnop"}
    | {"q.weight": np.ones((3, 5), np.float32), "r.weight": np.ones((3, 5), np.float32)},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_one_chain_is_listed_array_by_array(case: str, tmp_path: Path) -> None:
    content = REFUSED[case]
    save_file(content, path := tmp_path / "net.safetensors")
    first = f"{min(content)} " if content else "no arrays"
    assert_not_read(path, f"holds .*{first}.*rename them 0.weight")


def test_biases_and_a_name_of_another_ending(tmp_path: Path) -> None:
    save_file(BIASED, path := tmp_path / "net.bin")
    model = read_model(path, activation="sigmoid")
    assert (model.sizes, model.activation, model.bias) == ((8, 5, 2), "sigmoid", True)
    np.testing.assert_array_equal(model.linear[0].b, BIASED["a.bias"])


def test_many_arrays_are_not_all_listed(tmp_path: Path) -> None:
    content = {f"{k}.x": np.ones(1, np.float32) for k in range(40)}
    save_file(content, path := tmp_path / "net.safetensors")
    assert_not_read(path, "and 16 more, where")


@pytest.mark.parametrize("text", ["{", "[]", "1", "{}", '{"activation": 3}'])
def test_the_metadata_of_another_program_tells_nothing(text: str, tmp_path: Path) -> None:
    save_file(BIASED, path := tmp_path / "net.safetensors", {"network": text})
    assert read_model(path, activation="tanh").activation == "tanh"


def test_the_same_network_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in "abcdef":
        write_model(toy_model(), tmp_path / f"{name}.safetensors", "torch")
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.ckpt", "net.pkl"])
def test_a_pickle_is_never_opened(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", archive=np.ones(3))
    (tmp_path / "x.npz").rename(path := tmp_path / name)
    assert_not_read(path, "is a pickle, .*safetensors.torch.save_file")


def test_a_network_without_biases_is_written(tmp_path: Path) -> None:
    model = MLP([4, 3, 2], bias=False)
    write_model(model, tmp_path / "net.safetensors", "torch")
    assert_same(read_model(tmp_path / "net.safetensors"), model)


def test_a_number_of_any_length_orders_modules(tmp_path: Path) -> None:
    content = {f"{'9' * count}.weight": np.ones((2, 2), np.float32) * count for count in (9, 5_000)}
    save_file(content, path := tmp_path / "net.safetensors")
    assert [layer.W[0, 0] for layer in read_model(path).linear] == [9, 5_000]
