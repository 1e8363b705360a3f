"""Model files: bit-exact round trips, damage that is told, and writing whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as tensors_of
from safetensors.numpy import save as to_bytes

from mlp.common.errors import ModelError
from mlp.models.description import HALF, INT8
from mlp.models.metadata import Metadata
from mlp.models.model_file import load, save
from mlp.models.quantise import quantise
from mlp.nn.network import MLP

MODELS = {
    "float32": {"dtype": "float32"},
    "float64": {"dtype": "float64"},
    "no bias": {"bias": False},
    "sigmoid": {"activation": "sigmoid", "output": "sigmoid", "dtype": "float64"},
}


def model(**options: Any) -> MLP:
    return MLP([6, 4, 3], bias_init="normal(1)", seed=5, **options)


def description(**changes: Any) -> str:
    """The metadata of `model()`, with entries of the network changed or, by None, left out."""
    network = {
        "sizes": [6, 4, 3], "activation": "relu", "output": "identity", "bias": True,
        "dtype": "float32",
    } | changes  # fmt: skip
    network = {key: value for key, value in network.items() if value is not None}
    return json.dumps({"format": 1, "version": "0", "network": network, "about": {}})


def write(path: Path, metadata: dict[str, str] | None, **changes: np.ndarray) -> Path:
    """Write the tensors of `model()`, some changed, with any metadata."""
    tensors = {}
    for k, layer in enumerate(model().linear):
        tensors |= {f"layers.{k}.W": layer.W, f"layers.{k}.b": layer.b}
    path.write_bytes(to_bytes(tensors | changes, metadata))
    return path


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


# What is written


@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_a_round_trip_changes_no_bit(options: dict[str, Any], tmp_path: Path) -> None:
    written = model(**options)
    entries = {"epochs": 3, "recipe": {"lr": 0.1, "clip_norm": None}, "note": "σ → 7"}
    written.metadata = Metadata.from_json(entries)
    save(written, tmp_path / "m.safetensors")
    read = load(tmp_path / "m.safetensors")
    assert read.parameters.tobytes() == written.parameters.tobytes()
    for name in ("sizes", "activation", "output", "bias", "dtype", "metadata"):
        assert getattr(read, name) == getattr(written, name)
    x = np.random.default_rng(0).normal(size=(3, 6)).astype(read.dtype)
    np.testing.assert_array_equal(read.forward(x), written.forward(x))


def test_saving_again_writes_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    save(model(), first)
    save(load(first), second)
    assert first.read_bytes() == second.read_bytes()


def test_other_programs_find_the_tensors_and_the_description(tmp_path: Path) -> None:
    save(model(), tmp_path / "m")
    content = (tmp_path / "m").read_bytes()
    shapes = {name: tensor.shape for name, tensor in tensors_of(content).items()}
    assert shapes == {
        "layers.0.W": (6, 4), "layers.0.b": (4,), "layers.1.W": (4, 3), "layers.1.b": (3,),
    }  # fmt: skip
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["mlp"])
    assert metadata["network"]["sizes"] == [6, 4, 3]
    assert metadata["format"] == 1


def test_special_values_survive(tmp_path: Path) -> None:
    written = model()
    tiny = np.finfo(np.float32).smallest_subnormal
    written.parameters[:4] = [-0.0, tiny, -tiny, np.finfo(np.float32).max]
    save(written, tmp_path / "m")
    assert load(tmp_path / "m").parameters.tobytes() == written.parameters.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_half_precision_is_widened_again(dtype: str, tmp_path: Path) -> None:
    written = model(dtype=dtype)
    save(written, tmp_path / "m", stored=HALF)
    read = load(tmp_path / "m")
    assert read.dtype == read.parameters.dtype == dtype
    np.testing.assert_array_equal(read.parameters, written.parameters.astype(np.float16))
    save(read, tmp_path / "again", stored=HALF)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_of_eight_bits_are_widened_again(dtype: str, tmp_path: Path) -> None:
    written = model(dtype=dtype)
    save(written, tmp_path / "m", stored=INT8)
    read = load(tmp_path / "m")
    assert read.dtype == read.parameters.dtype == dtype
    for found, layer in zip(read.linear, written.linear, strict=True):
        q, scale = quantise(layer.W)
        np.testing.assert_array_equal(found.W, q * scale)
        np.testing.assert_array_equal(found.b, layer.b)
    save(read, tmp_path / "again", stored=INT8)
    again = load(tmp_path / "again")
    np.testing.assert_allclose(again.parameters, read.parameters, rtol=1e-6)


def test_weights_of_eight_bits_without_their_scales_are_refused(tmp_path: Path) -> None:
    save(model(), path := tmp_path / "m", stored=INT8)
    tensors = tensors_of(path.read_bytes())
    del tensors["layers.1.W.scale"]
    path.write_bytes(to_bytes(tensors, {"mlp": description(stored="int8")}))
    with pytest.raises(ModelError, match="do not have the shapes"):
        load(path)


def test_what_half_precision_cannot_hold_is_refused(tmp_path: Path) -> None:
    written = model()
    written.parameters[-1] = -70000
    with pytest.raises(ModelError, match="half precision"):
        save(written, tmp_path / "m", stored=HALF)
    assert names(tmp_path) == []


def test_a_model_file_is_replaced_by_one_of_another_size(tmp_path: Path) -> None:
    save(model(), path := tmp_path / "m")
    save(MLP([2, 2]), path)
    assert load(path).sizes == (2, 2)
    assert names(tmp_path) == ["m"]


def test_a_place_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match=r"none/m cannot be written \(No such file"):
        save(model(), tmp_path / "none" / "m")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match=r"cannot be written.*: choose another place"):
        save(model(), tmp_path / "folder")

    def no_space(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(ModelError, match=r"No space left on device.*choose another place"):
        save(model(), tmp_path / "m")
    assert names(tmp_path) == ["folder"]


# What is read


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model file"):
        load(tmp_path / "none")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read as a model file, being a folder"):
        load(tmp_path)


def test_every_truncation_is_told(tmp_path: Path) -> None:
    save(model(), whole := tmp_path / "whole")
    content, part = whole.read_bytes(), tmp_path / "part"
    for length in [*range(24), *range(24, len(content), 7), len(content) - 1]:
        part.write_bytes(content[:length])
        with pytest.raises(ModelError, match="part"):
            load(part)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_ends_in_no_other_error(data: st.DataObject, tmp_path: Path) -> None:
    """It is told, or it is a weight that is another number now."""
    save(model(), path := tmp_path / "m")
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        read = load(path)
    except ModelError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert np.isfinite(read.parameters).all()


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, b"\xff" * 100, b"P5 28 28 255\n" + b"7" * 784, b"PK\3\4" * 30, b"{}" * 20],
    ids=["empty", "zeros", "ones", "image", "zip", "json"],
)
def test_other_files(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ModelError, match="other"):
        load(tmp_path / "other")


@pytest.mark.parametrize(
    "metadata",
    [
        None, {}, {"mlp": ""}, {"mlp": "{"}, {"mlp": "[]"}, {"mlp": "7"}, {"mlp": '"format"'},
        {"mlp": "{}"}, {"mlp": '{"format": 1}'}, {"mlp": '{"format": 1, "network": []}'},
        {"mlp": '{"format": 2}'}, {"mlp": '{"format": "1"}'}, {"mlp": "[" * 100_000},
    ],
    ids=lambda metadata: str(metadata)[:30],
)  # fmt: skip
def test_a_file_without_our_description(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"update the program|written by mlp train"):
        load(write(tmp_path / "m", metadata))


@pytest.mark.parametrize(
    "changes",
    [
        {"sizes": None}, {"sizes": []}, {"sizes": [6]}, {"sizes": 6}, {"sizes": "643"},
        {"sizes": [6, 0, 3]}, {"sizes": [6, -4, 3]}, {"sizes": [6.0, 4, 3]}, {"sizes": {"6": 4}},
        {"sizes": [6, 5, 3]}, {"sizes": [6, 3]}, {"sizes": [6, 4, 3, 3]},
        {"sizes": [10**9, 10**9, 3]}, {"sizes": [10**30, 4, 3]}, {"sizes": [6, 10**12, 3]},
        {"activation": "none such"}, {"activation": []}, {"activation": None}, {"output": 3},
        {"dtype": "float16"}, {"dtype": "float64"}, {"dtype": None}, {"bias": False},
        {"bias": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_description_that_does_not_fit(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="description"):
        load(write(tmp_path / "m", {"mlp": description(**changes)}))


@pytest.mark.parametrize(
    "tensors",
    [
        {"layers.0.W": np.zeros((4, 6), np.float32)},
        {"layers.0.W": np.zeros((6, 4), np.float64)},
        {"layers.0.W": np.zeros(24, np.float32)},
        {"layers.2.W": np.zeros((3, 3), np.float32)},
    ],
    ids=["transposed", "float64", "flat", "another"],
)
def test_tensors_of_other_shapes(tensors: dict[str, np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="shapes"):
        load(write(tmp_path / "m", {"mlp": description()}, **tensors))


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "I64"])
def test_tensors_of_a_dtype_that_numpy_may_not_know(dtype: str, tmp_path: Path) -> None:
    size = {"BF16": 2, "F8_E4M3": 1, "I64": 8}[dtype]
    header = json.dumps(
        {
            "__metadata__": {"mlp": description(sizes=[1, 1], bias=False)},
            "layers.0.W": {"dtype": dtype, "shape": [1, 1], "data_offsets": [0, size]},
        }
    ).encode()
    path = tmp_path / "m"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))
    with pytest.raises(ModelError):
        load(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(value: float, tmp_path: Path) -> None:
    written = model()
    written.parameters[3] = value
    save(written, tmp_path / "m")
    with pytest.raises(ModelError, match="not finite"):
        load(tmp_path / "m")


def test_our_description_is_taken(tmp_path: Path) -> None:
    """What the tests above change is fine when nothing is changed."""
    read = load(write(tmp_path / "m", {"mlp": description()}))
    assert read.parameters.tobytes() == model().parameters.tobytes()
