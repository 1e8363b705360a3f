"""``mlp train``: from a dataset and a recipe to a model file."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Annotated

import typer

import mlp.training.loop
from mlp.cli import console
from mlp.cli.expand import Overrides
from mlp.cli.options import (
    DataFolder,
    DatasetName,
    Device,
    Json,
    Precision,
    open_dataset,
    open_device,
)
from mlp.cli.parse import parse_classes
from mlp.common.errors import ModelError, UsageError
from mlp.common.overwrite import check_destination
from mlp.data.load import Dataset, as_binary, overlay
from mlp.data.task import Kind
from mlp.models import checkpoint
from mlp.nn.network import MLP
from mlp.training.architecture import Architecture
from mlp.training.history import History
from mlp.training.presets.preset import load_preset
from mlp.training.recipe import Recipe

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the number of the signal, as shells have it."""


def train(
    *,
    preset: Annotated[
        str | None, typer.Option(help="A published recipe to start from; see mlp presets.")
    ] = None,
    device: Device = "auto",
    dataset: DatasetName = "auto",
    data: DataFolder = None,
    task: Annotated[
        Kind, typer.Option(help="multilabel lays two digits over each other and asks which.")
    ] = "multiclass",
    positive: Annotated[
        str | None, typer.Option(help="For a binary task: the digits to say yes to, as 0,2,4.")
    ] = None,
    network: Overrides[Architecture],
    training: Overrides[Recipe],
    precision: Precision = "float32",
    graph: Annotated[
        bool, typer.Option("--graph/--no-graph", help="Replay captured steps, or call each anew.")
    ] = True,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The model file; else the first free digits-N name."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the model file.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network and write it to a model file."""
    architecture, recipe = _start(preset, task)
    architecture, recipe = network.over(architecture), training.over(recipe)
    if (task == "binary") != (positive is not None):
        raise UsageError("--task binary and --positive go together, as in --positive 0,2,4,6,8")
    out = _writable(out, force)
    backend = open_device(device, precision, graph)
    images = _for_task(task, positive, open_dataset(dataset, data))
    model = architecture.build(images.pixels, images.classes, recipe.loss, recipe.seed, backend)
    console.note(f"network: {model}, {model.parameters.size:,} parameters")
    with console.TrainingBar(backend, len(images.train), recipe.epochs) as bar:
        history = mlp.training.loop.train(
            model,
            images,
            recipe,
            on_epoch=bar.on_epoch,
            on_step=bar.on_step,
            on_warning=console.warn,
        )
    if not history.epochs:
        console.note("interrupted before the first epoch was done: no model was written")
        raise typer.Exit(INTERRUPTED)
    if not force:
        out = _free(out)  # another run may have taken the name meanwhile
    checkpoint.save(model, out)
    _report(model, images.name, len(images.test), history, recipe, out, as_json)
    if history.interrupted:
        raise typer.Exit(INTERRUPTED)


def _start(name: str | None, task: Kind) -> tuple[Architecture, Recipe]:
    """Return the architecture and recipe of a preset, or the defaults if there is no name.

    Raises:
        UsageError: if there is no preset of this name, or it makes no model file.
    """
    if name is None:
        loss = "cross_entropy" if task == "multiclass" else "binary_cross_entropy"
        return Architecture(), Recipe(loss=loss)
    preset = load_preset(name)
    if preset.members > 1:
        raise UsageError(
            f"{preset.name} is a committee of {preset.members} networks, and a model file "
            f"holds one: run mlp reproduce {preset.name}"
        )
    if preset.explanation:
        console.note(f"{preset.name}: {preset.explanation.strip()}")
    return preset.architecture, preset.recipe


def _for_task(task: Kind, positive: str | None, images: Dataset) -> Dataset:
    """Change the labels, and for several labels the images, to what the task asks."""
    if positive is not None:
        return as_binary(images, parse_classes(positive))
    return overlay(images) if task == "multilabel" else images


def _writable(out: Path | None, force: bool) -> Path:
    """Choose the file for the model and check it, before any time is spent on training.

    Raises:
        UsageError, ModelError: see `mlp.common.overwrite.check_destination`.
    """
    if out is None:
        out = Path("digits.safetensors") if force else _free(Path("digits.safetensors"))
    check_destination(out, force, is_folder=False, kind=ModelError)
    return out


def _free(path: Path) -> Path:
    """Return the path, or the first free one of digits-2, digits-3 and so on."""
    names = (f"{path.stem}{f'-{n}' if n > 1 else ''}{path.suffix}" for n in itertools.count(1))
    return next(other for other in map(path.with_name, names) if not other.exists())


def _report(
    model: MLP,
    data: str,
    test_total: int,
    history: History,
    recipe: Recipe,
    out: Path,
    as_json: bool,
) -> None:
    """Print the result of a run."""
    last = history.epochs[-1]
    result = {
        "dataset": data,
        "device": model.backend.name,
        "layers": model.sizes,
        "parameters": int(model.parameters.size),
        "seed": recipe.seed,
        "train_accuracy": last.train_accuracy,
        "test_accuracy": last.test_accuracy,
        "test_correct": round(last.test_accuracy * test_total),
        "test_total": test_total,
        "train_seconds": history.train_seconds,
        "interrupted": history.interrupted,
        "model": str(out),
        "history": [dataclasses.asdict(epoch) for epoch in history.epochs],
    }
    if as_json:
        print(json.dumps(result))
        return
    print(
        f"test accuracy {last.test_accuracy:.2%} ({result['test_correct']:,} of {test_total:,} "
        f"{data} images), train accuracy {last.train_accuracy:.2%}, "
        f"{history.train_seconds:.2f} s of training on {model.backend.name}"
    )
    if history.interrupted:
        print(f"interrupted: the model is as after epoch {last.epoch}")
    print(f"model: {out}")
