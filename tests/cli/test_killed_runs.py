"""Runs of ``mlp train``, killed at a random moment and resumed: the same model, to the byte.

``pytest tests/cli/test_killed_runs.py --kills 200`` kills as many.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from once import folder_of_the_run, made_once
from sessions import members
from source import ROOT

FEW = ("--dataset", "synthetic:1500+200", "--device", "cpu")
RECIPES: dict[str, tuple[str, ...]] = {
    "small batches": (
        *("--epochs", "12", "--hidden", "64,32", "--batch-size", "16", "--snapshots", "40"),
    ),
    "workers": ("--epochs", "10", "--hidden", "512,256", "--batch-size", "64"),
    "full batch": ("--epochs", "120", "--batch-size", "full", "--hidden", "64"),
    "float64": ("--epochs", "10", "--dtype", "float64", "--hidden", "64", "--batch-size", "16"),
    "deformed": ("--epochs", "6", "--augment", "affine,elastic", "--hidden", "64"),
    "dropout": ("--epochs", "10", "--dropout", "0.3", "--max-norm", "2", "--batch-size", "16"),
    "validated": (
        *("--epochs", "15", "--validation", "0.2", "--keep", "best", "--patience", "5"),
        *("--average", "ema(0.99)", "--hidden", "64", "--batch-size", "16"),
    ),
    "batch norm": (
        *("--epochs", "10", "--activation", "batch_norm,relu", "--hidden", "64"),
        *("--batch-size", "16"),
    ),
    "running": ("--epochs", "12", "--train-accuracy", "running", "--hidden", "64"),
}  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "number" in metafunc.fixturenames:
        metafunc.parametrize("number", range(metafunc.config.getoption("kills")))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mlp", "train", *arguments]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a training in a session of its own, so that whatever it leaves behind can be found."""
    return subprocess.Popen(
        command(*arguments),
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True,
    )  # fmt: skip


def finish(folder: Path, *arguments: str) -> float:
    """Run a training to its end; return how long that took."""
    before = time.monotonic()
    process = start(folder, *arguments)
    _, told = process.communicate()
    assert process.returncode == 0, told
    return time.monotonic() - before


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of_the_run(tmp_path_factory)


def whole_run(folder: Path, name: str) -> tuple[dict[str, bytes], float]:
    """What a run that is left alone ends with, and the seconds that it took."""

    def make(path: Path) -> None:
        path.mkdir(parents=True)
        seconds = finish(path, "--run", "run", *FEW, *RECIPES[name])
        (path / "seconds").write_text(str(seconds))

    path = made_once(folder / name, make)
    return left_by(path / "run"), float((path / "seconds").read_text())


def left_by(run: Path) -> dict[str, bytes]:
    """The model of a run, and the snapshots that it kept."""
    paths = [run / "model.safetensors", *run.glob("snapshot-*")]
    return {path.name: path.read_bytes() for path in paths}


@pytest.mark.skipif(sys.platform != "linux", reason="finds what is left behind in /proc")
def test_a_killed_run_is_resumed_to_the_same_bytes(
    number: int, whole: Path, tmp_path: Path
) -> None:
    name = list(RECIPES)[number % len(RECIPES)]
    expected, seconds = whole_run(whole, name)
    random, run = Random(number), tmp_path / "run"
    arguments = ["--run", "run", "--checkpoint-every", "0.002", *FEW, *RECIPES[name]]
    for _ in range(random.choice([1, 1, 2])):
        process = start(tmp_path, *arguments)
        time.sleep(random.uniform(0.1, 1.1) * seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        until = time.monotonic() + 20  # the system ends its threads
        while (left := members(process.pid)) and time.monotonic() < until:
            time.sleep(0.05)
        assert not left, "processes outlive the run"
        if (run / "recipe.toml").exists():  # else it was killed before there was a run
            arguments = ["--resume", "run"]
    if not (run / "model.safetensors").exists() or arguments[0] == "--resume":
        finish(tmp_path, *arguments)
    assert left_by(run) == expected
    assert not [path.name for path in run.iterdir() if path.name.endswith((".tmp", ".old"))]
    assert len(list(run.glob("checkpoint-*"))) <= 2
