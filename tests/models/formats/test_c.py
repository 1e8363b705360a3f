"""C headers: a strict compiler takes them, and what it makes of them answers as the model does."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import MODULES_OF_LAYERS, OWN_LAYERS, PIXELS, close, randomise, raw
from toys import toy_model

import mlp
from mlp.common.errors import ModelError
from mlp.data.inputs import Columns, Pixels
from mlp.data.task import Task
from mlp.models.formats.c_layers import STATEMENTS
from mlp.models.formats.convert import read_model, write_model
from mlp.models.metadata import Metadata
from mlp.models.model_file import load
from mlp.models.predict import predict, probabilities
from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP

needs_a_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")


class Compiled:
    """A model's header, written and compiled."""

    def __init__(self, model: MLP, folder: Path, name: str = "net", to: str = "c") -> None:
        self.model, self.name = model, name
        self.header = folder / f"{name}.h"
        write_model(model, self.header, to)
        user, library = folder / f"{name}.c", folder / f"{name}.so"
        user.write_text(f'#define {name.upper()}_IMPLEMENTATION\n#include "{name}.h"\n')
        words = ["cc", *STRICT, "-O2", "-shared", "-fPIC", str(user), "-o", str(library), "-lm"]
        subprocess.run(words, check=True)
        self.compiled = ctypes.CDLL(str(library))

    def _call(self, function: str, pixels: Any, dtype: Any) -> np.ndarray:
        found = np.full((len(pixels), self.model.sizes[-1]), 99, dtype)
        for x, y in zip(pixels, found, strict=True):
            call = getattr(self.compiled, f"{self.name}_{function}")
            call(x.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p))
        return found

    def outputs(self, pixels: Any) -> np.ndarray:
        return self._call("outputs", pixels, self.model.dtype)

    def probabilities(self, pixels: Any) -> np.ndarray:
        return self._call("probabilities", pixels, self.model.dtype)

    def answers(self, pixels: Any, dtype: Any = np.uint8) -> np.ndarray:
        return self._call("answers", pixels, dtype)

    def classes(self, pixels: Any) -> np.ndarray:
        answer = getattr(self.compiled, f"{self.name}_answer")
        return np.array([answer(x.ctypes.data_as(ctypes.c_void_p)) for x in pixels])

    @property
    def names(self) -> list[str]:
        return self.texts("names", self.model.sizes[-1])

    def texts(self, of: str, count: int) -> list[str]:
        texts = (ctypes.c_char_p * count).in_dll(self.compiled, f"{self.name}_{of}")
        return [text.decode() for text in texts if text is not None]


@needs_a_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OWN_LAYERS)
def test_every_layer_computes_the_same_or_is_refused_by_name(
    name: str, dtype: str, tmp_path: Path
) -> None:
    model = toy_model(activation=name, dtype=dtype, bias_init="normal(1)", seed=3)
    if LAYERS[name] not in STATEMENTS:
        with pytest.raises(ModelError, match=f"the C header has no form of {name}, .*safetensors"):
            write_model(model, tmp_path / "net.h")
        assert not list(tmp_path.iterdir())
        return
    randomise(model)
    close(Compiled(model, tmp_path).outputs(PIXELS), raw(model))
    output = toy_model(output=name, dtype=dtype, seed=4)
    close(Compiled(output, tmp_path, "output").outputs(PIXELS), raw(output))


def test_every_layer_there_is_has_a_form() -> None:
    kinds = [kind for kind in LAYERS.values() if kind.__module__ in MODULES_OF_LAYERS]
    assert len(kinds) >= 10
    assert not set(kinds) - set(STATEMENTS)


@needs_a_compiler
@pytest.mark.parametrize("output", ["identity", "sigmoid"])
@pytest.mark.parametrize("kind", ["multiclass", "multilabel"])
def test_every_task_is_answered(kind: Any, output: str, tmp_path: Path) -> None:
    model = toy_model(
        output=output, activation="layer_norm(0.1),leaky_relu(0.3),elu(0.4)", bias=False, seed=5
    )
    names = ("é", 'two "words" ??/ \\', "3 %s", "*/", "\N{SNOWMAN}1")
    for name, temperature in (("plain", None), ("tempered", 1.7)):
        model.metadata = Metadata(task=Task(kind, names), temperature=temperature)
        compiled = Compiled(model, tmp_path, name)
        close(compiled.probabilities(PIXELS), probabilities(model, PIXELS))
        found = compiled.classes(PIXELS) if kind == "multiclass" else compiled.answers(PIXELS)
        np.testing.assert_array_equal(found, predict(model, PIXELS))
        assert compiled.names == list(names)


@needs_a_compiler
def test_the_header_is_included_in_several_files(tmp_path: Path) -> None:
    Compiled(toy_model(), tmp_path)
    (tmp_path / "main.c").write_text(
        '#include "net.h"\n#include "net.h"\n'
        "int main(void) {\n"
        "    unsigned char pixels[NET_INPUTS] = {0};\n"
        "    return net_answer(pixels) < NET_OUTPUTS && net_names[0][0] == '0' ? 0 : 1;\n"
        "}\n"
    )
    words = ["cc", *STRICT, "main.c", "net.c", "-o", "main", "-lm"]
    subprocess.run(words, cwd=tmp_path, check=True)
    subprocess.run(["./main"], cwd=tmp_path, check=True)


@pytest.mark.parametrize(
    ("file", "name"), [("a b-c.h", "a_b_c"), ("3.h", "mlp_3"), ("é.h", "mlp"), ("_x__y.h", "x_y")]
)
def test_its_names_are_made_of_the_files(file: str, name: str, tmp_path: Path) -> None:
    write_model(toy_model(), tmp_path / file)
    text = (tmp_path / file).read_text("ascii")
    assert f"int {name}_answer(const unsigned char *pixels)" in text


@needs_a_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inputs", [Pixels(0.0, 16.0), Pixels(-1.0, 1.0), Pixels(0.0, 65535.0)])
def test_pixels_of_another_range_are_scaled_inside(
    inputs: Pixels, dtype: str, tmp_path: Path
) -> None:
    model = toy_model(seed=2, dtype=dtype)
    model.metadata = Metadata(inputs=inputs)
    pixels = np.random.default_rng(0).random((9, 16)) * (inputs.high - inputs.low) + inputs.low
    pixels = np.rint(pixels) if inputs.high > 1 else pixels
    compiled = Compiled(model, tmp_path)
    close(compiled.probabilities(pixels), probabilities(model, pixels))
    np.testing.assert_array_equal(compiled.classes(pixels), predict(model, pixels))


@needs_a_compiler
@pytest.mark.parametrize(("fill", "dtype"), [(False, "float32"), (True, "float64")])
def test_columns_are_standardised_inside_and_named(fill: bool, dtype: str, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(9, 16)) * 10.0 ** np.arange(-8, 8) + 1e6
    names = ["é */", *(f"column {i}" for i in range(1, 15)), "colour=red"]
    model = toy_model(seed=2, dtype=dtype)
    model.metadata = Metadata(inputs=Columns.of(rows, names, fill, "tests"))
    if fill:
        rows[2, 3] = np.nan
    compiled = Compiled(model, tmp_path)
    found, expected = compiled.probabilities(rows), probabilities(model, rows)
    np.testing.assert_allclose(found, expected, atol=1e-6 if dtype == "float32" else 1e-12)
    assert compiled.texts("columns", 16) == names
    assert "1 or 0 for NAME=WORD" in compiled.header.read_text("ascii")


@needs_a_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_estimates_are_in_their_own_units(dtype: str, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(9, 16)) * 100
    model = MLP([16, 8, 2], seed=2, dtype=dtype)
    model.metadata = Metadata(
        task=Task("regression", ("cm", "kg"), mean=(170.0, 1e6), deviation=(9.5, 0.25)),
        inputs=Columns.of(rows, None, False, "tests"),
    )
    for to in ("c", "c-int8"):
        compiled = Compiled(model, tmp_path, to.replace("-", "_"), to)
        found = compiled.answers(rows, np.float64)
        bound = 1e-6 if to == "c" else 1e-2
        np.testing.assert_allclose(found, predict(model, rows), rtol=bound)
        assert compiled.names == ["cm", "kg"]
        assert not hasattr(compiled.compiled, f"{compiled.name}_probabilities")


def check_a_reader(reader: MLP, pixels: Any, labels: Any, folder: Path) -> None:
    """The header answers as the model does; that of eight bits is smaller, and nearly as good."""
    answers = predict(reader, pixels)
    full = Compiled(reader, folder, "full")
    np.testing.assert_array_equal(full.classes(pixels), answers)
    small = Compiled(reader, folder, "small", "c-int8")
    lost = np.mean(answers == labels) - np.mean(small.classes(pixels) == labels)
    assert abs(lost) <= 0.002
    assert small.header.stat().st_size < 0.5 * full.header.stat().st_size


@needs_a_compiler
def test_it_reads_digits_as_the_model_does(reader: Path, tmp_path: Path) -> None:
    test = mlp.load_dataset("synthetic:100+2000").test
    check_a_reader(load(reader), test.images.reshape(2000, -1), test.labels, tmp_path)


@needs_a_compiler
@pytest.mark.mnist
def test_it_reads_mnists_test_set_as_the_model_does(mnist: Path, tmp_path: Path) -> None:
    data = mlp.load_dataset("mnist", mnist)
    model = MLP([784, 256, 128, 10])
    mlp.train(model, data, mlp.Recipe(epochs=1))
    check_a_reader(model, data.test.images.reshape(10000, -1), data.test.labels, tmp_path)


def test_it_is_not_read(tmp_path: Path) -> None:
    write_model(toy_model(), tmp_path / "net.h")
    with pytest.raises(ModelError, match="is a C header, which is written for other programs"):
        read_model(tmp_path / "net.h")
