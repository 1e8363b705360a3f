"""Weights in every format: kept to the bit, computed with alike, and written only where safe."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from small_networks import (
    DYNAMIC,
    PLACES,
    STATIC,
    B,
    W,
    assert_same,
    reference,
    tree,
    write_tables,
)

from mlp.cli import main
from mlp.common.errors import MLPError, ModelError, UsageError
from mlp.data.inputs import Pixels
from mlp.data.task import Task
from mlp.models.formats.convert import read_model, write_model
from mlp.models.formats.registry import FORMATS
from mlp.models.metadata import Metadata, metadata_of, task_of
from mlp.nn.network import MLP

# --- Round trips ----------------------------------------------------------------------------------


def test_there_is_a_test_for_every_format() -> None:
    rounded = {name for name in FORMATS if name.endswith(("-half", "-int8"))}
    written = {name for name, format in FORMATS.items() if not format.is_read}
    assert {*PLACES} == set(FORMATS) - rounded - written


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("second", PLACES)
@pytest.mark.parametrize("first", PLACES)
def test_every_format_turns_into_every_other(
    tmp_path: Path, first: str, second: str, dtype: str
) -> None:
    model = MLP([7, 5, 4, 3], dtype=dtype, bias_init="normal(1)")
    for format in (first, second):
        folder = tmp_path / format
        folder.mkdir(exist_ok=True)
        written = write_model(model, folder / PLACES[format], format, force=True)
        assert written.name == format
        found = read_model(folder / PLACES[format])
        assert_same(found, model)
        model = found


@given(data=st.data(), dtype=st.sampled_from(["float32", "float64"]))
@settings(max_examples=25, deadline=None)
def test_every_finite_number_is_kept_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, dtype: str
) -> None:
    folder = tmp_path_factory.mktemp("bits")
    model = MLP([2, 3, 1, 2], dtype=dtype)
    floats = st.floats(allow_nan=False, allow_infinity=False, width=int(dtype[5:]))
    values = data.draw(arrays.arrays(dtype, model.parameters.shape, elements=floats))
    model.parameters[...] = values
    for format, name in PLACES.items():
        write_model(model, folder / name, format, force=True)
        assert_same(read_model(folder / name, dtype=dtype), model)


@pytest.mark.parametrize("format", ["safetensors", "npz", "csv"])
@pytest.mark.parametrize("bias", [True, False])
def test_activations_and_lacking_biases_are_kept(tmp_path: Path, format: str, bias: bool) -> None:
    model = MLP([4, 3, 2], "tanh", "sigmoid", bias=bias)
    write_model(model, tmp_path / PLACES[format])
    found = read_model(tmp_path / PLACES[format])
    assert_same(found, model)
    assert found.bias == bias


@pytest.mark.parametrize("activation", ["layer_norm(0.1),relu", "batch_norm(0.3),relu"])
@pytest.mark.parametrize("format", ["safetensors", "json"])
def test_normalisation_is_kept(tmp_path: Path, format: str, activation: str) -> None:
    model = MLP([4, 3, 2], activation)
    model.parameters += 0.25
    write_model(model, tmp_path / PLACES[format], format)
    assert_same(read_model(tmp_path / PLACES[format]), model)


@pytest.mark.parametrize("format", ["safetensors", "npz"])
def test_what_is_known_of_the_training_is_kept(tmp_path: Path, format: str) -> None:
    model = MLP([4, 3, 1])
    model.metadata = Metadata(task=Task("binary", ("even",), (0, 2)), unread={"epochs": 3})
    write_model(model, tmp_path / PLACES[format])
    found = read_model(tmp_path / PLACES[format])
    assert metadata_of(found).unread == {"epochs": 3}
    assert task_of(found) == Task("binary", ("even",), (0, 2))


@pytest.mark.parametrize("format", ["csv", "diary-dynamic"])
def test_other_tasks_are_not_passed_off_as_classes(tmp_path: Path, format: str) -> None:
    model = MLP([4, 3, 1])
    model.metadata = Metadata(task=Task("binary", ("even",), (0, 2)))
    with pytest.raises(ModelError, match="binary task"):
        write_model(model, tmp_path / PLACES[format], format)
    assert not tree(tmp_path)


def test_the_files_that_the_others_write_are_read(tmp_path: Path) -> None:
    (tmp_path / "static.bin").write_bytes(STATIC)
    (tmp_path / "dynamic.bin").write_bytes(DYNAMIC)
    write_tables(tmp_path / "tables")
    x = np.array([[0.5, -0.25], [-1.0, 1.0]])  # (2, 2)
    hidden = np.maximum(x @ W[0].T + B[0], 0)
    hidden = np.maximum(hidden @ W[1].T + B[1], 0)
    expected = hidden @ W[2].T + B[2]  # (2, 2)
    for name in ("static.bin", "dynamic.bin", "tables"):
        found = read_model(tmp_path / name, dtype="float64")
        assert_same(found, reference())
        assert found.forward(x).tolist() == expected.tolist()
        assert read_model(tmp_path / name).dtype == "float32"  # which holds these exactly
        assert read_model(tmp_path / name, activation="tanh", output="sigmoid").output == "sigmoid"


def test_what_a_file_tells_is_not_overruled(tmp_path: Path) -> None:
    for name in ("net.safetensors", "net.npz", "net"):
        write_model(MLP([4, 3, 2], "tanh"), tmp_path / name)
        assert read_model(tmp_path / name, activation="tanh", dtype="float32").dtype == "float32"
        with pytest.raises(UsageError, match="its activation is tanh"):
            read_model(tmp_path / name, activation="relu")
    with pytest.raises(UsageError, match="its dtype is float32"):
        read_model(tmp_path / "net.npz", dtype="float64")
    (tmp_path / "diary.bin").write_bytes(STATIC)
    with pytest.raises(UsageError, match="no activation 'none such'"):
        read_model(tmp_path / "diary.bin", activation="none such")
    with pytest.raises(UsageError, match="no dtype 'half'"):
        read_model(tmp_path / "diary.bin", dtype="half")


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "pipe", "empty"):
        with pytest.raises(ModelError):
            read_model(tmp_path / name)


def test_a_disk_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(MLP([4, 2]), tmp_path / "net.bin")

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(ModelError, match=r"cannot read .*net.bin: Input/output error"):
        read_model(tmp_path / "net.bin")
    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(ModelError, match=r"cannot write .*net.npz: Input/output error"):
        write_model(MLP([4, 2]), tmp_path / "net.npz")


# --- Where to -------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[], MLP], str, str | None, str]] = {
    "no format": (lambda: MLP([4, 2]), "net.tflite", None, "does not name a format of weights"),
    "a wrong format": (
        lambda: MLP([4, 2]),
        "net.npz",
        "tflite",
        "does not name a format of weights",
    ),
    "two formats": (lambda: MLP([4, 2]), "net.npz", "csv", "does not suit the format csv"),
    "three layers": (lambda: MLP([4, 3, 2]), "net.bin", "diary-static", "this network has 1"),
    "sigmoid": (lambda: MLP([4, 3, 2], "sigmoid"), "net.bin", None, "this one has sigmoid"),
    "an output": (lambda: MLP([4, 2], output="sigmoid"), "net.bin", None, "ends in sigmoid"),
    "a norm": (lambda: MLP([4, 3, 2], "layer_norm,relu"), "net", "csv", "network has layer_norm"),
    "statistics": (lambda: MLP([4, 3, 2], "batch_norm,relu"), "n.npz", None, "has batch_norm,relu"),
    "no folder": (lambda: MLP([4, 2]), "missing/net.bin", None, "make it first"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_is_refused(tmp_path: Path, case: str) -> None:
    make, target, to, sentence = REFUSED[case]
    with pytest.raises(MLPError, match=sentence):
        write_model(make(), tmp_path / target, to)
    assert not tree(tmp_path)


@pytest.mark.parametrize("format", PLACES)
def test_nothing_is_replaced_unasked(tmp_path: Path, format: str) -> None:
    target = tmp_path / PLACES[format]
    write_model(MLP([4, 3, 3, 2]), target, format)
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="add --force"):
        write_model(MLP([4, 2, 2, 2]), target, format)
    assert tree(tmp_path) == before
    write_model(MLP([4, 2, 2, 2]), target, format, force=True)
    assert_same(read_model(target), MLP([4, 2, 2, 2]))


def test_a_folder_with_anything_else_in_it_is_never_replaced(tmp_path: Path) -> None:
    write_model(MLP([4, 2]), tmp_path / "net")
    (tmp_path / "net" / "w9.csv").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(ModelError, match=r"also holds w9.csv"):
        write_model(MLP([4, 2]), tmp_path / "net", force=True)
    assert tree(tmp_path) == before


# --- The command ----------------------------------------------------------------------------------


def test_the_command_converts_and_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["mlp", "convert", *map(str, words)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return int(exit_.value.code or 0), *capsys.readouterr()

    (tmp_path / "net.bin").write_bytes(DYNAMIC)
    code, out, err = run(tmp_path / "net.bin", tmp_path / "net", "--dtype", "float64", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["layers"] == [2, 2, 1, 2]
    assert_same(read_model(tmp_path / "net", dtype="float64"), reference())
    code, out, err = run(tmp_path / "net", tmp_path / "net.bin", "--to", "diary-static")
    assert (code, out, err.count("\n")) == (2, "", 1)
    words = (tmp_path / "net", tmp_path / "net.bin", "--to", "diary-static", "--force")
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert "as diary-static, 13 parameters" in out
    assert (tmp_path / "net.bin").read_bytes() == STATIC
    (tmp_path / "net.bin").write_bytes(STATIC + b"\0")
    code, out, err = run(tmp_path / "net.bin", tmp_path / "other")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("to", [name for name in FORMATS.names if not FORMATS[name].keeps_task])
@pytest.mark.parametrize(
    "metadata",
    [Metadata(inputs=Pixels(0.0, 16.0)), Metadata(task=Task(names=("ant", "bee")))],
    ids=["values", "names"],
)
def test_what_a_form_cannot_tell_is_refused(tmp_path: Path, to: str, metadata: Metadata) -> None:
    model = MLP([4, 3, 2])
    model.metadata = metadata
    with pytest.raises(ModelError, match=f"^{to} cannot say which values the network reads"):
        write_model(model, tmp_path / "weights", to)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "title"),
    [
        ("iris.csv", b"a;b;label\n1,5;2,5;x\n" * 40, "a CSV file"),
        ("t.npy", b"\x93NUMPY" + b"\0" * 99, "an .npy file"),
        ("t10k-images-idx3-ubyte", b"\0\0\x08\x03" + b"\0\0\0\x02" * 3 + b"\0" * 8, "an IDX file"),
    ],
)
def test_a_file_of_data_is_called_so(name: str, content: bytes, title: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name} is {title} of data, and no model: .* --dataset"):
        read_model(tmp_path / name)
