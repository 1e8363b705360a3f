"""What the README promises: each of its commands runs, and its Python reaches what it is for."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from command import Command, in_this_process
from documented import commands, run_mlp
from hard_pictures import draw_digit, place
from PIL import Image
from served import serving
from source import ROOT

import mlp
from mlp.models.predict import predict
from mlp.nn.losses import SoftmaxCrossEntropy
from mlp.nn.optim.sgd import SGD

README = (ROOT / "README.md").read_text(encoding="utf-8")

TINY = ("--dataset", "synthetic:600+200")

BOUNDS: dict[str, tuple[str, ...]] = {
    "train": (*TINY, "--epochs", "1"),
    "find-lr": (*TINY, "--hidden", "16"),
    "search": (*TINY, "--epochs", "2", "--trials", "2"),
    "eval": TINY,
    "reproduce": (*TINY, "--seeds", "1", "diary-first-run"),
    "bench": ("--images", "256", "--repeats", "1", "--widths", "16", "--batch-sizes", "64"),
    "doctor": ("--seconds", "0"),
}
"""What is added to a command so that it ends soon; of an option given twice the last one counts."""


COMMANDS = list(dict.fromkeys(commands(README)))


@pytest.fixture(scope="module")
def files(reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the commands name."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copy(reader, folder / "digits.safetensors")
    page = 255 - 200 * place([draw_digit(4, 120)], 240, 240)
    Image.fromarray(page.astype(np.uint8)).save(folder / "photo.jpg")
    data = mlp.load_dataset("synthetic:300+100")
    np.savez(
        folder / "mnist.npz",
        x_train=data.train.images,
        y_train=data.train.labels,
        x_test=data.test.images,
        y_test=data.test.labels,
    )
    run_mlp(folder, "train", "--run", "runs/first", *TINY, "--epochs", "1")
    return folder


def test_all_commands_are_found() -> None:
    assert len(COMMANDS) >= 20
    assert all(command.startswith(("mlp ", "pip install ", "pytest")) for command in COMMANDS)
    shown = {shlex.split(command)[1] for command in COMMANDS if command.startswith("mlp ")}
    assert set(BOUNDS) < shown


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """The command line in an empty folder, without network, in this process."""
    monkeypatch.setenv("MLP_OFFLINE", "1")
    return in_this_process(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("mlp ")])
def test_a_command_of_the_readme_runs(
    command: str, files: Path, tmp_path: Path, run: Command
) -> None:
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    _, name, *arguments = shlex.split(command)
    if name == "draw":
        with serving(*arguments) as port, urlopen(f"http://127.0.0.1:{port}/") as page:
            assert page.status == 200
        return
    if "--run" in arguments:  # which begins anew
        shutil.rmtree(tmp_path / "runs")
    bounds = () if "--resume" in arguments else BOUNDS.get(name, ())
    if "--watch" in arguments:  # its page ends with its process
        done = run_mlp(tmp_path, name, *arguments, *bounds)
        assert done.returncode == 0, done.stderr
        assert done.stdout
        return
    told = run(name, *arguments, *bounds)
    assert told.code == 0, told.err
    assert told.out


def test_a_command_with_a_wrong_option_would_be_seen(
    files: Path, tmp_path: Path, run: Command
) -> None:
    with pytest.raises(AssertionError, match="No such option"):
        test_a_command_of_the_readme_runs("mlp train --no-such-option", files, tmp_path, run)


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.mnist
def test_the_readmes_python_trains_to_98_percent(
    mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where it writes its model
    block = README.partition("## From Python")[2].partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["history"].epochs[-1].test_accuracy >= 0.98
    np.testing.assert_array_equal(names["digits"], [7, 2, 1, 0, 4])
    np.testing.assert_array_equal(names["probabilities"].argmax(axis=1), names["digits"])
    same = names["same"].backend.to_numpy(names["same"].parameters)
    np.testing.assert_array_equal(same, names["model"].parameters)


@pytest.mark.mnist
def test_synthetic_digits_alone_teach_to_read_mnist(mnist: Path) -> None:
    """A sixth of the digits and half of the epochs of mlp train are enough for 80 %."""
    model = mlp.MLP([784, 128, 10])
    mlp.train(model, mlp.load_dataset("synthetic:10000+100"), mlp.Recipe(epochs=3))
    test = mlp.load_dataset("mnist", mnist).test
    assert np.mean(predict(model, test.images) == test.labels) >= 0.8


def test_the_step_that_it_shows_lowers_the_loss() -> None:
    block = README.partition("## How it works")[2].partition("```python\n")[2].partition("```")[0]
    data = mlp.load_dataset("synthetic:100+50").train
    model = mlp.MLP([784, 16, 10], seed=0)
    optimizer = SGD(model.parameters, model.gradients, model.backend)
    optimizer.lr[:] = 0.1
    names: dict[str, Any] = {
        "model": model,
        "criterion": SoftmaxCrossEntropy(10, model.backend, "float32"),
        "optimizer": optimizer,
        "x": (data.images.reshape(len(data), -1) / 255).astype(np.float32),
        "labels": data.labels,
    }
    losses = []
    for _ in range(5):
        exec(compile(block, "README.md", "exec"), names)
        losses.append(names["loss"].item())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]
