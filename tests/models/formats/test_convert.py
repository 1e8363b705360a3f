"""Weights in every form: kept to the bit, computed with alike, and refused where not sound."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mlp.cli import main
from mlp.common.errors import MLPError, ModelError, UsageError
from mlp.data.mnist import MnistUnavailable, load_mnist
from mlp.data.task import Task
from mlp.models.formats.convert import read_model, write_model
from mlp.models.formats.registry import FORMATS
from mlp.models.metadata import Metadata, metadata_of, task_of
from mlp.models.predict import predict
from mlp.nn.network import MLP

PLACES = {
    "safetensors": "net.safetensors",
    "npz": "net.npz",
    "csv": "net",
    "diary-dynamic": "net.bin",
    "diary-static": "net.bin",
}
"""Where each form that keeps every bit goes."""


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder, to see that nothing was changed."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def assert_same(found: MLP, model: MLP) -> None:
    assert (found.sizes, found.activation, found.output) == (
        model.sizes,
        model.activation,
        model.output,
    )
    assert found.dtype == model.dtype
    assert found.parameters.tobytes() == model.parameters.tobytes()


# --- Round trips ----------------------------------------------------------------------------------


def test_there_is_a_test_for_every_form() -> None:
    assert {*PLACES, "safetensors-half"} == set(FORMATS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("second", PLACES)
@pytest.mark.parametrize("first", PLACES)
def test_every_form_turns_into_every_other(
    tmp_path: Path, first: str, second: str, dtype: str
) -> None:
    model = MLP([7, 5, 4, 3], dtype=dtype, bias_init="normal(1)")
    for form in (first, second):
        folder = tmp_path / form
        folder.mkdir(exist_ok=True)
        written = write_model(model, folder / PLACES[form], form, force=True)
        assert written.name == form
        found = read_model(folder / PLACES[form])
        assert_same(found, model)
        model = found


def test_half_precision_rounds_and_is_half_as_large(tmp_path: Path) -> None:
    model = MLP([200, 30, 3], bias_init="normal(1)")
    full, half = tmp_path / "full.safetensors", tmp_path / "half.safetensors"
    assert write_model(model, full).name == "safetensors"
    assert write_model(model, half, "safetensors-half").name == "safetensors-half"
    assert half.stat().st_size < 0.6 * full.stat().st_size
    found = read_model(half)
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found.parameters, model.parameters.astype(np.float16))


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
    for form, name in PLACES.items():
        write_model(model, folder / name, form, force=True)
        assert_same(read_model(folder / name, dtype=dtype), model)


@pytest.mark.parametrize("form", ["safetensors", "npz", "csv"])
@pytest.mark.parametrize("bias", [True, False])
def test_activations_and_lacking_biases_are_kept(tmp_path: Path, form: str, bias: bool) -> None:
    model = MLP([4, 3, 2], "tanh", "sigmoid", bias=bias)
    write_model(model, tmp_path / PLACES[form])
    found = read_model(tmp_path / PLACES[form])
    assert_same(found, model)
    assert found.bias == bias


def test_a_diary_gets_biases_of_zero(tmp_path: Path) -> None:
    model = MLP([4, 3, 2], bias=False)
    write_model(model, tmp_path / "net.bin")
    found = read_model(tmp_path / "net.bin")
    images = np.arange(8, dtype=np.uint8).reshape(2, 2, 2) * 30
    assert found.bias
    assert predict(found, images).tolist() == predict(model, images).tolist()


@pytest.mark.parametrize("form", ["safetensors", "npz"])
def test_what_is_known_of_the_training_is_kept(tmp_path: Path, form: str) -> None:
    model = MLP([4, 3, 1])
    model.metadata = Metadata(task=Task("binary", ("even",), (0, 2)), unread={"epochs": 3})
    write_model(model, tmp_path / PLACES[form])
    found = read_model(tmp_path / PLACES[form])
    assert metadata_of(found).unread == {"epochs": 3}
    assert task_of(found) == Task("binary", ("even",), (0, 2))


@pytest.mark.parametrize("form", ["csv", "diary-dynamic"])
def test_other_tasks_are_not_passed_off_as_classes(tmp_path: Path, form: str) -> None:
    model = MLP([4, 3, 1])
    model.metadata = Metadata(task=Task("binary", ("even",), (0, 2)))
    with pytest.raises(ModelError, match="binary task"):
        write_model(model, tmp_path / PLACES[form], form)
    assert not tree(tmp_path)


# --- What lies in the files -----------------------------------------------------------------------

# A network of widths 2, 2, 1, 2, whose weights tell where they stand: layer, output, input.
W = [
    np.array([[111.0, 112.0], [121.0, 122.0]]),
    np.array([[211.0, 212.0]]),
    np.array([[311], [321]]),
]
B = [[1.0, -2.0], [3.0], [4.0, 5.0]]
COLUMN_MAJOR = [111, 121, 112, 122, 211, 212, 311, 321]
STATIC = struct.pack("<4I13d", 2, 2, 1, 2, *COLUMN_MAJOR, 1, -2, 3, 4, 5)
DYNAMIC = struct.pack("<I", 4) + STATIC
TABLES = {
    "w1.csv": "w10,w11\n111.0,112.0\n121.0,122.0\n",
    "b1.csv": "b10\n1.0\n-2.0\n",
    "w2.csv": "w20,w21\n211.0,212.0\n",
    "b2.csv": "b20\n3.0\n",
    "w3.csv": "w30\n311.0\n321.0\n",
    "b3.csv": "b30\n4.0\n5.0\n",
}


def reference() -> MLP:
    model = MLP([2, 2, 1, 2], dtype="float64")
    for layer, weights, biases in zip(model.linear, W, B, strict=True):
        layer.W[...], layer.b[...] = weights.T, biases
    return model


def write_tables(folder: Path, **changes: str | None) -> Path:
    folder.mkdir()
    for name, text in {**TABLES, **{f"{k}.csv": v for k, v in changes.items()}}.items():
        if text is not None:
            (folder / name).write_text(text)
    return folder


def test_the_files_are_those_that_the_others_write(tmp_path: Path) -> None:
    write_model(reference(), tmp_path / "static.bin", "diary-static")
    write_model(reference(), tmp_path / "dynamic.bin")
    write_model(reference(), tmp_path / "tables")
    assert (tmp_path / "static.bin").read_bytes() == STATIC
    assert (tmp_path / "dynamic.bin").read_bytes() == DYNAMIC
    written = {path.name: path.read_text() for path in (tmp_path / "tables").iterdir()}
    assert written == {**TABLES, "network.csv": "activation,output\nrelu,identity\n"}


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


@pytest.mark.mnist
@pytest.mark.parametrize(
    ("name", "form", "correct"),
    [("smlp.bin", "diary-static", 9_657), ("dmlp.bin", "diary-dynamic", 9_727)],
)
def test_the_published_diary_networks_score(
    tmp_path: Path, name: str, form: str, correct: int
) -> None:
    beside = Path(os.environ.get("MLP_DATA_DIR", "."), "..", "seeds", "weights")
    path = Path(os.environ.get("MLP_SEED_WEIGHTS", beside), name)
    if not path.is_file():
        pytest.skip(f"no {path}: set MLP_SEED_WEIGHTS to the folder of the diary's weights")
    try:
        test = load_mnist(download=False).test
    except MnistUnavailable as error:
        pytest.skip(str(error))
    model = read_model(path)
    assert int((predict(model, test.images) == test.labels).sum()) == correct
    write_model(model, tmp_path / "net")
    write_model(read_model(tmp_path / "net"), tmp_path / name, form)
    assert (tmp_path / name).read_bytes() == path.read_bytes()


# --- What is not sound ----------------------------------------------------------------------------


def assert_refused(path: Path, sentence: str, error: type[MLPError] = ModelError) -> None:
    """Neither read nor converted; the sentence is one, and nothing is written."""
    before = tree(path.parent)
    with pytest.raises(error, match=sentence) as caught:
        read_model(path)
    assert "\n" not in str(caught.value)
    assert tree(path.parent) == before


BAD_DIARIES = {
    "a byte behind": (STATIC + b"\0", r"121 bytes where .* 120 for the widths 2-2-1-2"),
    "a number behind": (DYNAMIC + bytes(8), r"132 bytes where .* 124 for the widths 2-2-1-2"),
    "cut off": (STATIC[:-1], r"119 bytes where .* 120"),
    "cut off in the header": (DYNAMIC[:10], "10 bytes where .* the widths of layers first"),
    "empty": (b"", r"has 0 bytes"),
    "big-endian": (struct.pack(">4I", 2, 2, 1, 2) + STATIC[16:], "the widths 33554432-33554432"),
    "of no width": (struct.pack("<4I3d", 2, 0, 1, 2, 1, 2, 3), r"do not make a chain|bytes"),
    "not a number": (STATIC[:-8] + struct.pack("<d", np.nan), "not finite"),
    "infinite": (DYNAMIC[:-8] + struct.pack("<d", -np.inf), "not finite"),
    "text": (b"Lorem ipsum dolor sit amet" * 9, "no model file or .npz"),
}


@pytest.mark.parametrize("case", BAD_DIARIES)
def test_a_bad_diary_is_refused(tmp_path: Path, case: str) -> None:
    content, sentence = BAD_DIARIES[case]
    (tmp_path / "bad.bin").write_bytes(content)
    assert_refused(tmp_path / "bad.bin", sentence)


BAD_TABLES: dict[str, tuple[dict[str, str | None], str]] = {
    "no weights": ({"w1": None}, "holds no w1.csv"),
    "a bias missing": ({"b2": None}, "weights of 3 layers but biases of 1"),
    "a layer missing": ({"w2": None, "b2": None}, "holds b3.csv but not all"),
    "no header": ({"w1": "111.0,112.0\n121.0,122.0\n"}, "w1.csv begins with numbers"),
    "no numbers": ({"w1": "w10,w11\n"}, "w1.csv holds no numbers"),
    "nothing": ({"b1": ""}, "b1.csv holds no numbers"),
    "text": ({"w1": "w10,w11\n1.0,two\n3.0,4.0\n"}, "w1.csv is not a table of numbers"),
    "ragged": ({"w1": "w10,w11\n1.0\n3.0,4.0\n"}, "w1.csv is not a table of numbers"),
    "a column too many": ({"w1": "w10\n1.0,2.0\n3.0,4.0\n"}, "2 columns under a header of 1"),
    "not a number": ({"w1": "w10,w11\nnan,2.0\n3.0,4.0\n"}, "not finite"),
    "too large": ({"w1": "w10,w11\n1e999,2.0\n3.0,4.0\n"}, "not finite"),
    "no chain": ({"w2": "w20\n1.0\n"}, r"do not make a chain"),
    "a bias too long": ({"b2": "b20\n3.0\n4.0\n"}, r"do not make a chain"),
    "a wide bias": ({"b2": "b20,b21\n3.0,4.0\n"}, "where a bias has one"),
    "no activations": ({"network": "relu,identity\n"}, "does not tell the activations"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables_are_refused(tmp_path: Path, case: str) -> None:
    changes, sentence = BAD_TABLES[case]
    assert_refused(write_tables(tmp_path / "bad", **changes), sentence)


ARRAYS: dict[str, Any] = {"layers.0.W": np.ones((3, 2)), "layers.0.b": np.ones(2)}
BAD_ARRAYS: dict[str, tuple[dict[str, Any], str]] = {
    "pickled": ({**ARRAYS, "layers.0.b": np.array([{}], object)}, "Python objects"),
    "other names": ({"W1": np.ones((3, 2))}, "holds the arrays W1, where"),
    "none": ({}, "no model file or .npz"),
    "a gap": ({**ARRAYS, "layers.2.W": np.ones((2, 2))}, "where layers.0.W"),
    "more": ({**ARRAYS, "more": np.ones(2)}, "where layers.0.W"),
    "half": ({name: array.astype("f2") for name, array in ARRAYS.items()}, "are float16"),
    "mixed": ({**ARRAYS, "layers.0.b": np.ones(2, "f4")}, "are float32 and float64"),
    "flat": ({"layers.0.W": np.ones(6)}, "do not make a chain"),
    "no width": ({"layers.0.W": np.ones((0, 2))}, "do not make a chain"),
    "a number for a name": ({**ARRAYS, "activation": np.ones(1)}, "activation .* is not a text"),
    "damaged": ({**ARRAYS, "about": np.array("{")}, "damaged JSON"),
    "a list": ({**ARRAYS, "about": np.array("[]")}, "damaged JSON"),
    "no task": ({**ARRAYS, "about": np.array('{"task": {}}')}, "what its outputs answer"),
    "infinite": ({**ARRAYS, "layers.0.b": np.full(2, np.inf)}, "not finite"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_refused(tmp_path: Path, case: str) -> None:
    content, sentence = BAD_ARRAYS[case]
    np.savez(tmp_path / "bad.npz", **content)
    assert_refused(tmp_path / "bad.npz", sentence)


def test_other_files_are_refused(tmp_path: Path) -> None:
    write_model(MLP([4, 3, 2]), tmp_path / "good.safetensors")
    good = (tmp_path / "good.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(good[:-3])
    (tmp_path / "renamed.bin").write_bytes(good)
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "pipe", "cut.safetensors", "empty"):
        with pytest.raises(ModelError):
            read_model(tmp_path / name)
    assert_same(read_model(tmp_path / "renamed.bin"), MLP([4, 3, 2]))


# --- Where to -------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[], MLP], str, str | None, str]] = {
    "no format": (lambda: MLP([4, 2]), "net.onnx", None, "tells no format of weights"),
    "a wrong format": (lambda: MLP([4, 2]), "net.npz", "onnx", "tells no format of weights"),
    "two formats": (lambda: MLP([4, 2]), "net.npz", "csv", "does not suit the format csv"),
    "three layers": (lambda: MLP([4, 3, 2]), "net.bin", "diary-static", "this network has 1"),
    "sigmoid": (lambda: MLP([4, 3, 2], "sigmoid"), "net.bin", None, "this one has sigmoid"),
    "an output": (lambda: MLP([4, 2], output="sigmoid"), "net.bin", None, "ends in sigmoid"),
    "no folder": (lambda: MLP([4, 2]), "missing/net.bin", None, "make it first"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_is_refused(tmp_path: Path, case: str) -> None:
    make, target, to, sentence = REFUSED[case]
    with pytest.raises(MLPError, match=sentence):
        write_model(make(), tmp_path / target, to)
    assert not tree(tmp_path)


@pytest.mark.parametrize("form", PLACES)
def test_nothing_is_replaced_unasked(tmp_path: Path, form: str) -> None:
    target = tmp_path / PLACES[form]
    write_model(MLP([4, 3, 3, 2]), target, form)
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="add --force"):
        write_model(MLP([4, 2, 2, 2]), target, form)
    assert tree(tmp_path) == before
    write_model(MLP([4, 2, 2, 2]), target, form, force=True)
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
