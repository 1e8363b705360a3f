"""What ``mlp train`` prints of a run that has ended."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlp.cli import console
from mlp.data.dataset import Dataset
from mlp.models.metrics import score_numbers
from mlp.models.predict import estimate
from mlp.nn.network import MLP
from mlp.training.history import History
from mlp.training.recipe import Recipe
from mlp.training.runs.folder import RunFolder


@dataclass(frozen=True)
class Outcome:
    """A run that has ended.

    Attributes:
        model: the network.
        dataset: what it was trained on.
        recipe: the hyperparameters.
        history: what was measured.
        folder: the run's folder; None where there is only a model file.
        checkpoint: its latest checkpoint.
        out: the model's file; None where none was written.
        problem: why it is not where it was asked for; None where it is.
    """

    model: MLP
    dataset: Dataset
    recipe: Recipe
    history: History
    folder: RunFolder | None = None
    checkpoint: Path | None = None
    out: Path | None = None
    problem: str | None = None


def report(outcome: Outcome, as_json: bool) -> None:
    """Print the result of a run."""
    model, dataset, history = outcome.model, outcome.dataset, outcome.history
    result = history.result
    assert result is not None  # no model is written otherwise
    test_total = len(dataset.test)
    told = {
        "dataset": dataset.name,
        "device": model.backend.name,
        "layers": model.sizes,
        "parameters": int(model.parameters.size),
        "seed": outcome.recipe.seed,
        "train_accuracy": result.train_accuracy,
        "validation_accuracy": result.validation_accuracy,
        "test_accuracy": result.test_accuracy,
        "test_correct": round(max(0.0, result.test_accuracy) * test_total),
        "test_total": test_total,
        "train_seconds": history.train_seconds,
        "interrupted": history.interrupted,
        "stopped": history.stopped,
        "epoch": result.epoch,
        "model": str(outcome.out),
        "run": str(outcome.folder) if outcome.folder else None,
        "checkpoint": str(outcome.checkpoint) if outcome.checkpoint else None,
        "history": [dataclasses.asdict(epoch) for epoch in history.epochs],
    }
    numbers = _of_numbers(model, dataset)
    if as_json:
        print(json.dumps(told | numbers))
        return
    if numbers:
        console.say(
            f"test R² {result.test_accuracy:.4f}, MAE {_several(numbers['test_mae'])}, RMSE "
            f"{_several(numbers['test_rmse'])} ({test_total:,} {dataset.name} rows), train R² "
            f"{result.train_accuracy:.4f}, {history.train_seconds:.2f} s of training on "
            f"{model.backend.name}"
        )
    else:
        _print_accuracy(outcome, told)
    if history.interrupted:
        console.say(f"interrupted: the model is as after epoch {result.epoch}")
    elif history.stopped is not None:
        console.say(f"stopped after epoch {history.epochs[-1].epoch}: {history.stopped}")
    if history.chosen is not None and not history.interrupted:
        console.say(f"kept: the network of epoch {history.chosen}, which validated best")
    console.say(f"model: {outcome.out}")


def _of_numbers(model: MLP, dataset: Dataset) -> dict[str, Any]:
    """Measure estimates of numbers in their own units; nothing for other tasks."""
    task = dataset.task
    if task.kind != "regression":
        return {}
    found = score_numbers(
        estimate([model], dataset.test.images), task.in_own_units(dataset.test.labels)
    )
    counts = {"test_correct": None}  # an estimate is near or far, and not right or wrong
    return counts | {f"test_{name}": figures for name, figures in found.to_json().items()}


def _several(figures: list[float]) -> str:
    return ", ".join(f"{figure:.4g}" for figure in figures)


def _print_accuracy(outcome: Outcome, told: dict[str, Any]) -> None:
    model, dataset, history = outcome.model, outcome.dataset, outcome.history
    result, test_total = history.result, len(outcome.dataset.test)
    assert result is not None
    console.say(
        f"test accuracy {result.test_accuracy:.2%} ({told['test_correct']:,} of {test_total:,} "
        f"{dataset.name} {dataset.called}), train accuracy {result.train_accuracy:.2%}, "
        f"{history.train_seconds:.2f} s of training on {model.backend.name}"
    )
