"""Runs ``mlp show`` in this process, for its lines, its picture or its refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from typer.testing import CliRunner, Result

from mlp.cli import app
from mlp.common.errors import MLPError
from mlp.data.load import Dataset
from mlp.models import model_file
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe

DATA = "synthetic:150+60"

BLOCKS = "▀▄█"


def write_model(path: Path, dataset: Dataset, loss: str = "cross_entropy") -> Path:
    """Train for two epochs, which leaves many mistakes."""
    model = MLP([784, 12, dataset.classes], output="identity", seed=1)
    train(model, dataset, Recipe(loss=loss, epochs=2, batch_size=30))
    model_file.save(model, path)
    return path


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
