"""What ``mlp train`` prints of a run that has ended."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from mlp.cli import console
from mlp.data.dataset import Dataset
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
        "test_correct": round(result.test_accuracy * test_total),
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
    if as_json:
        print(json.dumps(told))
        return
    console.say(
        f"test accuracy {result.test_accuracy:.2%} ({told['test_correct']:,} of {test_total:,} "
        f"{dataset.name} images), train accuracy {result.train_accuracy:.2%}, "
        f"{history.train_seconds:.2f} s of training on {model.backend.name}"
    )
    if history.interrupted:
        console.say(f"interrupted: the model is as after epoch {result.epoch}")
    elif history.stopped is not None:
        console.say(f"stopped after epoch {history.epochs[-1].epoch}: {history.stopped}")
    if history.chosen is not None and not history.interrupted:
        console.say(f"kept: the network of epoch {history.chosen}, which validated best")
    console.say(f"model: {outcome.out}")
