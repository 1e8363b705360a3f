"""ONNX files: its checker accepts them, and its runtime answers as the model does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import MODULES_OF_LAYERS, OWN_LAYERS, PIXELS, close, randomise, raw
from toys import toy_model

from mlp.common.errors import ModelError
from mlp.data.inputs import Columns, Pixels
from mlp.data.task import Task
from mlp.models.formats.convert import read_model, write_model
from mlp.models.formats.onnx_layers import NODES
from mlp.models.metadata import Metadata
from mlp.models.predict import predict, probabilities
from mlp.nn.activations import Activation
from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP

onnx = pytest.importorskip("onnx", reason="the test extra brings onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="the test extra brings onnxruntime")

QUESTIONS = tuple("abcde")
TASKS = {
    "multiclass": Task(names=("é", 'two "words"', "c", "d", "e")),
    "multilabel": Task("multilabel", QUESTIONS),
}


def run(model: MLP, path: Path, pixels: Any = PIXELS, to: str = "onnx") -> dict[str, np.ndarray]:
    """Write a model, check the file, and let ONNX Runtime read pixels by it."""
    write_model(model, path, to, force=True)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    given = {session.get_inputs()[0].name: pixels}
    return dict(zip(names, session.run(names, given), strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OWN_LAYERS)
def test_every_layer_computes_the_same_or_is_refused_by_name(
    name: str, dtype: str, tmp_path: Path
) -> None:
    model = toy_model(activation=name, dtype=dtype, bias_init="normal(1)", seed=3)
    if LAYERS[name] not in NODES:
        with pytest.raises(ModelError, match=f"ONNX has no form of {name}, .*safetensors"):
            write_model(model, tmp_path / "m.onnx")
        assert not list(tmp_path.iterdir())
        return
    randomise(model)
    close(run(model, tmp_path / "m.onnx")["outputs"], raw(model))
    output = toy_model(output=name, dtype=dtype, seed=4)
    close(run(output, tmp_path / "m.onnx")["outputs"], raw(output))


def test_a_layers_numbers_are_kept(tmp_path: Path) -> None:
    model = toy_model(activation="layer_norm(0.1),leaky_relu(0.3),elu(0.4)", bias=False)
    close(run(model, tmp_path / "m.onnx")["outputs"], raw(model))


@pytest.mark.parametrize("temperature", [None, 1.7])
@pytest.mark.parametrize("output", ["identity", "sigmoid"])
@pytest.mark.parametrize("kind", TASKS)
def test_every_task_is_answered(
    kind: str, output: str, temperature: float | None, tmp_path: Path
) -> None:
    model = toy_model(output=output, seed=5)
    model.metadata = Metadata(task=TASKS[kind], temperature=temperature)
    found = run(model, tmp_path / "m.onnx")
    close(found["probabilities"], probabilities(model, PIXELS))
    np.testing.assert_array_equal(found["answers"], predict(model, PIXELS))
    assert found["answers"].dtype == predict(model, PIXELS).dtype


def test_one_question_and_its_names_are_inside(tmp_path: Path) -> None:
    model = MLP([16, 8, 1])
    model.metadata = Metadata(task=Task("binary", ("even",), (0, 2)))
    assert run(model, tmp_path / "m.onnx")["answers"].shape == (60, 1)
    told = {p.key: p.value for p in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert (told["task"], json.loads(told["names"])) == ("binary", ["even"])
    assert json.loads(told["positive"]) == [0, 2]
    model.metadata = Metadata(task=TASKS["multiclass"])
    names = toy_model()
    names.metadata = model.metadata
    run(names, tmp_path / "m.onnx")
    told = {p.key: p.value for p in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert json.loads(told["names"]) == list(TASKS["multiclass"].names)


@pytest.mark.parametrize("inputs", [Pixels(0.0, 16.0), Pixels(-1.0, 1.0)])
def test_pixels_of_another_range_are_scaled_inside(inputs: Pixels, tmp_path: Path) -> None:
    model = toy_model(seed=2)
    model.metadata = Metadata(inputs=inputs)
    pixels = np.random.default_rng(0).random((9, 16)) * (inputs.high - inputs.low) + inputs.low
    pixels = np.rint(pixels) if inputs.high > 1 else pixels
    close(run(model, tmp_path / "m.onnx", pixels)["probabilities"], probabilities(model, pixels))


@pytest.mark.parametrize("fill", [False, True])
def test_columns_are_standardised_inside(fill: bool, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(9, 16)) * 10.0 ** np.arange(-8, 8) + 1e6
    model = toy_model(seed=2)
    model.metadata = Metadata(inputs=Columns.of(rows, None, fill, "tests"))
    if fill:
        rows[2, 3] = np.nan
    close(run(model, tmp_path / "m.onnx", rows)["probabilities"], probabilities(model, rows))


def test_estimates_are_in_their_own_units(tmp_path: Path) -> None:
    model = MLP([16, 8, 2], seed=2)
    model.metadata = Metadata(
        task=Task("regression", ("cm", "kg"), mean=(170.0, 1e6), deviation=(9.5, 0.25))
    )
    found = run(model, tmp_path / "m.onnx")
    assert set(found) == {"outputs", "answers"}
    np.testing.assert_allclose(found["answers"], predict(model, PIXELS), rtol=1e-6)


def test_another_number_of_images_may_come(tmp_path: Path) -> None:
    model = toy_model()
    for count in (0, 1, 7):
        assert run(model, tmp_path / "m.onnx", PIXELS[:count])["outputs"].shape == (count, 5)


@pytest.mark.parametrize("bias", [True, False])
def test_weights_of_eight_bits_cost_little(bias: bool, tmp_path: Path) -> None:
    model = toy_model(64, bias=bias, inputs=784)
    pixels = np.random.default_rng(0).integers(0, 256, (50, 784), np.uint8)
    found = run(model, tmp_path / "m.onnx", pixels, "onnx-int8")["outputs"]
    expected = raw(model, pixels)
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()
    full = run(model, tmp_path / "full.onnx", pixels)["outputs"]
    close(full, expected)
    sizes = [(tmp_path / name).stat().st_size for name in ("m.onnx", "full.onnx")]
    assert sizes[0] < 0.3 * sizes[1]


def test_every_layer_there_is_has_a_form() -> None:
    kinds = [kind for kind in LAYERS.values() if kind.__module__ in MODULES_OF_LAYERS]
    assert len(kinds) >= 10
    assert not set(kinds) - set(NODES)


def test_a_subclass_is_no_layer_of_its_base() -> None:
    class Bent(next(iter(NODES))):  # type: ignore[misc]
        pass

    model = toy_model()
    with pytest.raises(ModelError, match="no form of Bent"):
        NODES.of(Bent(model.backend, "float32"))
    assert issubclass(Bent, Activation)


def test_what_float32_cannot_hold_is_refused(tmp_path: Path) -> None:
    model = toy_model(dtype="float64")
    model.parameters[0] = 1e300
    with pytest.raises(ModelError, match="too large for float32"):
        write_model(model, tmp_path / "m.onnx")


def test_more_than_protocol_buffers_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.models.formats.onnx.MOST_BYTES", 1000)
    with pytest.raises(ModelError, match="an ONNX file holds at most 1,000"):
        write_model(toy_model(), tmp_path / "m.onnx")


def test_a_written_file_is_not_read(tmp_path: Path) -> None:
    write_model(toy_model(), tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"is an ONNX file, which is written .* and not read"):
        read_model(tmp_path / "m.onnx")
