"""``mlp show``: what its views print, what they write and what they refuse."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from source import ROOT
from typer.testing import CliRunner, Result

from mlp.cli import app, main
from mlp.cli.show import VIEWS
from mlp.common.errors import MLPError
from mlp.data.disturb import DISTURBANCES
from mlp.data.load import Dataset, load_dataset, relabel_for
from mlp.data.task import Task
from mlp.models import model_file
from mlp.models.metadata import Metadata, metadata_of
from mlp.models.predict import predict
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe

DATA = "synthetic:150+60"
BLOCKS = "▀▄█"


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(DATA)


def write_model(path: Path, dataset: Dataset, loss: str = "cross_entropy") -> Path:
    """Train for two epochs, which leaves many mistakes."""
    model = MLP([784, 12, dataset.classes], output="identity", seed=1)
    train(model, dataset, Recipe(loss=loss, epochs=2, batch_size=30))
    model_file.save(model, path)
    return path


@pytest.fixture(scope="module")
def model(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_model(tmp_path_factory.mktemp("model") / "digits.safetensors", data))


@pytest.fixture(autouse=True)
def no_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what a developer's own terminal asks for."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def show(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["show", *arguments])


def lines(*arguments: str) -> list[str]:
    result = show(*arguments)
    assert result.exception is None, (result.exception, result.output)
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    found = result.stdout.splitlines()
    assert all(len(line) <= 80 for line in found)
    return found


def refusal(*arguments: str) -> str:
    """Run a command that must be refused, and return its sentence."""
    result = show(*arguments)
    assert isinstance(result.exception, MLPError), (result.exception, result.output)
    assert result.stdout == ""
    assert result.exception.exit_code in (1, 2)
    return str(result.exception)


def png(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("L"))


# --- digits --------------------------------------------------------------------------------------


def test_digits_fill_one_row_of_the_pipe(data: Dataset) -> None:
    found = lines("digits", "--dataset", DATA)
    first, second = data.train.labels[:2]
    assert found[0].split("  ")[0] == f"{first} (image 0)"
    assert found[0].endswith(f"{second} (image 1)")
    assert len(found) == 15
    assert set("".join(found[1:])) <= {" ", *BLOCKS}


def test_digits_of_one_label_from_a_number_on(data: Dataset) -> None:
    found = lines(
        "digits", "--dataset", DATA, "--digit", "7", "--index", "20", "--count", "3",
        "--split", "test",
    )  # fmt: skip
    rows = [row for row in range(20, 60) if data.test.labels[row] == 7][:3]
    captions = [line for line in found if "image" in line]
    assert [f"7 (image {row})" in " ".join(captions) for row in rows] == [True] * len(rows)
    assert " ".join(captions).count("image") == len(rows)


def test_an_index_alone_shows_one_image(data: Dataset) -> None:
    found = lines("digits", "--dataset", DATA, "--index", "4")
    assert found[0] == f"{data.train.labels[4]} (image 4)"
    assert len(found) == 15


def test_greys_are_the_image_twice_as_wide(data: Dataset) -> None:
    found = lines("digits", "--dataset", DATA, "--index", "0", "--style", "greys")[1:]
    levels = np.minimum(data.train.images[0] / 255 * 5, 4).astype(int)
    wanted = ["".join(" ░▒▓█"[k] * 2 for k in row).rstrip() for row in levels]
    assert found == wanted
    negative = lines("digits", "--dataset", DATA, "--index", "0", "--style", "greys", "--negative")
    assert negative[1] == "█" * 56


def test_digits_as_training_deforms_them() -> None:
    arguments = "digits", "--dataset", DATA, "--index", "4", "--augment"
    plain = lines(*arguments[:-1])
    assert lines(*arguments, "affine(0, 0, 0, 0)") == plain
    turned = lines(*arguments, "affine(30),elastic")
    assert turned[0] == plain[0]
    assert turned != plain
    assert lines(*arguments, "affine(30),elastic", "--seed", "1") != turned


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--augment", "blur"], "there is no deformation 'blur'"),
        (["--digit", "10"], "--digit 10: the labels are 0 to 9"),
        (["--digit", "-1"], "--digit -1: the labels are 0 to 9"),
        (["--index", "150"], "--index 150: the images are numbered 0 to 149"),
        (["--index", "60", "--split", "test"], "numbered 0 to 59"),
        (["--index", "-1"], "--index -1"),
        (["--count", "0"], "--count 0: it takes 1 or more"),
        (["--save", "digits.jpg"], "end"),
        (["--save", "nowhere/digits.png"], "nowhere: make it first"),
    ],
)
def test_digits_refuses(arguments: list[str], sentence: str) -> None:
    assert sentence in refusal("digits", "--dataset", DATA, *arguments)


# --- weights -------------------------------------------------------------------------------------


def test_weights_show_every_layer(model: str) -> None:
    found = lines("weights", model)
    titles = [line for line in found if line.startswith("layer")]
    assert titles == ["layer 1: 12 units of 784 weights", "layer 2: 10 units of 12 weights"]
    assert sum(line.count("unit ") for line in found) == 12 + 10


def test_weights_of_one_layer_and_some_units(model: str) -> None:
    found = lines("weights", model, "--layer", "2", "--count", "3", "--scale", "unit")
    assert found[0] == "layer 2: 10 units of 12 weights"
    assert sum(line.count("unit ") for line in found) == 3
    assert "scaled one by one" in found[1]


def test_the_image_shape_comes_from_the_model_file(model: str, tmp_path: Path) -> None:
    network = model_file.load(model)
    metadata = metadata_of(network)
    assert metadata.dataset is not None
    assert metadata.dataset.image_shape == (28, 28)
    network.metadata = replace(metadata, dataset=replace(metadata.dataset, image_shape=(14, 56)))
    model_file.save(network, tmp_path / "wide.safetensors")
    found = lines("weights", str(tmp_path / "wide.safetensors"), "--layer", "1", "--count", "1")
    assert len(found) == 4 + 7


@pytest.mark.parametrize("about", [{}, {"dataset": 3}, {"dataset": {"image_shape": [-28, -28]}}])
def test_weights_need_no_word_of_the_training(about: dict[str, object], tmp_path: Path) -> None:
    network = MLP([36, 4], init="zeros")
    network.metadata = Metadata.from_json(about)
    model_file.save(network, tmp_path / "new.safetensors")
    found = lines("weights", str(tmp_path / "new.safetensors"))
    assert found[0] == "layer 1: 4 units of 36 weights"


@pytest.mark.parametrize("layer", ["0", "3", "-1"])
def test_a_layer_that_is_not_there_is_refused(model: str, layer: str) -> None:
    assert "the layers are 1 to 2" in refusal("weights", model, "--layer", layer)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    network = MLP([4, 2])
    network.linear[0].W[0, 0] = np.nan
    model_file.save(network, tmp_path / "nan.safetensors")
    assert "not finite" in refusal("weights", str(tmp_path / "nan.safetensors"))


# --- mistakes ------------------------------------------------------------------------------------


def captions(found: list[str]) -> list[str]:
    return [line for line in found if line.startswith("test image")]


def test_mistakes_are_wrong_and_the_surest_first(model: str, data: Dataset) -> None:
    found = captions(lines("mistakes", model, "--dataset", DATA, "--count", "4"))
    assert len(found) == 4
    sure = [float(line.split(", ")[-1].split("%")[0]) for line in found]
    assert sure == sorted(sure, reverse=True)
    for line in found:
        row = int(line.split()[2].rstrip(":"))
        truth, read = line.split(": ")[1].split(", ")[:2]
        assert truth == str(data.test.labels[row])
        assert read != f"read as {truth}"


def test_of_one_digit_two_are_right_and_two_wrong(model: str, data: Dataset) -> None:
    answers, labels = predict(model_file.load(model), data.test.images), data.test.labels
    digit = next(
        d for d in range(10)
        if ((answers == d) & (labels == d)).sum() > 1 and ((answers != d) & (labels == d)).sum() > 1
    )  # fmt: skip
    found = lines("mistakes", model, "--dataset", DATA, "--digit", str(digit))
    correct = [f": {digit}, read as {digit}," in line for line in captions(found)]
    assert correct == [True, True, False, False]
    assert sum("active, layer 1" in line for line in found) == 4
    assert sum(" |" in line for line in found) == 4 * 10


@pytest.mark.parametrize("size", [0.0, 1e30])
def test_mistakes_of_a_network_of_extreme_weights(size: float, tmp_path: Path) -> None:
    network = MLP([784, 12, 10], init="zeros")
    for layer in network.linear:
        layer.W[...] = size
    model_file.save(network, tmp_path / "extreme.safetensors")
    path = str(tmp_path / "extreme.safetensors")
    assert len(captions(lines("mistakes", path, "--dataset", DATA))) == 5
    assert lines("weights", path, "--count", "2")


def test_models_of_questions_are_shown(data: Dataset, tmp_path: Path) -> None:
    for task in (Task("binary", ("0 or 2",), (0, 2)), Task("multilabel")):
        path = write_model(tmp_path / task.kind, relabel_for(task, data), "binary_cross_entropy")
        found = captions(lines("mistakes", str(path), "--dataset", DATA, "--count", "1"))
        assert len(found) == 1
        assert "no class is taken for another" in refusal("confusion", str(path), "--dataset", DATA)


def test_mistakes_refuses(model: str) -> None:
    assert "0 to 9" in refusal("mistakes", model, "--dataset", DATA, "--digit", "10")
    assert "1 to 50" in refusal("mistakes", model, "--dataset", DATA, "--count", "51")
    assert "there is no model file" in refusal("mistakes", "none.safetensors")


# --- curves and confusions -----------------------------------------------------------------------


def test_curves_show_the_history(model: str) -> None:
    found = lines("curves", model)
    assert [line.split()[0] for line in found[:3]] == ["loss", "train", "test"]
    assert [line.split()[0] for line in found[-2:]] == ["1", "2"]
    assert found[-1].split()[1] == f"{metadata_of(model_file.load(model)).history[1]['loss']:.4f}"


def test_a_model_without_a_history_is_refused(tmp_path: Path) -> None:
    model_file.save(MLP([4, 2]), tmp_path / "new.safetensors")
    assert "does not hold the history" in refusal("curves", str(tmp_path / "new.safetensors"))


def test_confusion_counts_agree_with_the_predictions(model: str, data: Dataset) -> None:
    answers = predict(model_file.load(model), data.test.images)
    found = lines("confusion", model, "--dataset", DATA, "--count", "100")
    wrong = int((answers != data.test.labels).sum())
    assert found[0] == f"{wrong} of 60 synthetic images read wrong"
    assert sum(int(line.split()[0]) for line in found[1:]) == wrong


# --- robustness ----------------------------------------------------------------------------------


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


# --- pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", list(VIEWS))
def test_a_picture_is_written(view: str, model: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    save = tmp_path / "picture.png"
    arguments = [view] if view == "digits" else [view, model]
    if view in ("digits", "mistakes", "confusion", "robustness"):
        arguments += ["--dataset", DATA]
    if view in ("digits", "mistakes"):
        arguments += ["--count", "2"]
    lines(*arguments, "--save", str(save))
    pixels = png(save)
    assert min(pixels.shape) > 100
    assert pixels.std() > 10
    assert list(tmp_path.iterdir()) == [save]


def test_a_picture_is_replaced_only_on_request(model: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    save = tmp_path / "picture.png"
    save.write_bytes(b"mine")
    assert "--force" in refusal("curves", model, "--save", str(save))
    assert save.read_bytes() == b"mine"
    written = []
    for _ in range(2):
        lines("curves", model, "--save", str(save), "--force")
        written.append(png(save))
    assert (written[0] == written[1]).all()
    assert list(tmp_path.iterdir()) == [save]


def test_the_picture_of_digits_has_their_pixels(data: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    means = []
    for negative in ([], ["--negative"]):
        save = tmp_path / f"{len(negative)}.png"
        lines("digits", "--dataset", DATA, "--index", "0", "--save", str(save), *negative)
        means.append(png(save).mean())
    assert means[0] < means[1]  # paper is black, and white in the negative


def test_without_matplotlib_the_extra_is_named(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.view.plots.find_spec", lambda name: None)
    assert "pip install 'mlp-digits[plots]'" in refusal(
        "curves", model, "--save", str(tmp_path / "curves.png")
    )
    assert not list(tmp_path.iterdir())


# --- a view from outside -------------------------------------------------------------------------


def test_a_view_written_elsewhere_is_a_command_once_it_is_imported(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sizes.py").write_text(
        "from rich.text import Text\n"
        "from mlp.cli.views.registry import VIEWS, Canvas, Model\n"
        "from mlp.models.model_file import load\n"
        "@VIEWS.register('sizes')\n"
        "def sizes(*, model: Model, canvas: Canvas, spaces: int = 1) -> None:\n"
        "    'Show the widths of the layers.'\n"
        "    canvas.print([Text((' ' * spaces).join(map(str, load(model).sizes)))])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(VIEWS, "_entries", dict(VIEWS))  # puts back what was there
    import_module("sizes")
    assert "Show the widths of the layers." in show("--help").stdout
    assert lines("sizes", model, "--spaces", "2") == ["784  12  10"]
    assert "end" in refusal("sizes", model, "--save", "sizes.jpg")


# --- the real standard output --------------------------------------------------------------------


def test_an_encoding_without_blocks_gets_ascii(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, "ascii"))
    monkeypatch.setattr(sys, "argv", ["mlp", "show", "weights", model, "--count", "2"])
    with pytest.raises(SystemExit):
        main()
    assert content.getvalue().isascii()
    assert b"unit 1" in content.getvalue()
    assert b"\x1b" not in content.getvalue()


TWICE = """
import os, sys
from mlp.cli import main
for os.environ["NO_COLOR"] in ("", "1"):  # the empty one asks for nothing
    try:
        main()
    except SystemExit as end:
        assert not end.code
    print("~~~")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_terminal_gets_colours_within_its_width_unless_it_wants_none(model: str) -> None:
    import fcntl
    import pty
    import re
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", TWICE, "show", "weights", model, "--count", "2"]
    with subprocess.Popen(
        command, env=environment | {"PYTHONPATH": str(ROOT)}, stdin=theirs, stdout=theirs
    ) as process:
        os.close(theirs)
        output = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # so Linux says that the other side is closed
                part = b""
            if not part:
                break
            output += part
    os.close(ours)
    assert process.returncode == 0
    coloured, plain, _ = output.decode().split("~~~")
    assert "\x1b[" in coloured
    assert "\x1b" not in plain
    for text in (coloured, plain):
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert "\x1b" not in text
        assert max(map(len, text.splitlines())) <= 40
        assert "unit 1" in text
