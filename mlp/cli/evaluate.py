"""``mlp eval``: how well a model file, or the vote of several, reads a dataset's test images."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from mlp.cli import console
from mlp.cli.eval_votes import choose_votes
from mlp.cli.model_data import open_data_of
from mlp.cli.options import (
    DataFolder,
    Device,
    Json,
    OwnDatasetName,
    Precision,
    open_device,
)
from mlp.common.errors import UsageError
from mlp.data.load import Dataset, relabel_for
from mlp.models.calibration import expected_calibration_error
from mlp.models.formats.convert import read_model
from mlp.models.metadata import inputs_of, task_of, temperature_of
from mlp.models.metrics import LabelScore, Score, score, score_labels, score_numbers
from mlp.models.predict import check_fits, estimate, vote
from mlp.nn.network import MLP


def evaluate(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...",
            help="A model, in any format; several vote with their mean probabilities.",
        ),
    ],
    device: Device = "auto",
    dataset: OwnDatasetName = None,
    data: DataFolder = None,
    precision: Precision = "float32",
    votes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Let up to N deformed copies of each image vote; how many, and how deformed, "
            "those images decide that the training held out.",
        ),
    ] = None,
    deform: Annotated[
        str | None,
        typer.Option(
            metavar="KIND,…",
            help="How the copies are deformed, as mlp train --augment takes it; all N vote then.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a model on a dataset's test images, asking what it was trained to answer."""
    backend = open_device(device, precision)
    models = [read_model(path, backend=backend) for path in paths]
    task = task_of(models[0])
    images = relabel_for(task, open_data_of(models[0], dataset, data))
    for path, model in zip(paths, models, strict=True):
        check_fits(model, images.pixels, images.classes)
        if (task_of(model), inputs_of(model)) != (task, inputs_of(models[0])):
            raise UsageError(
                f"{path} answers other questions than {paths[0]}, or of other inputs: let those "
                "vote together that were trained for the same"
            )
    labels = images.test.labels
    if deform is not None and votes is None:
        raise UsageError("--deform is of the copies that vote: name their number with --votes")
    chosen = choose_votes(models, images, votes, deform) if votes is not None else None
    if task.kind == "regression":
        _report_numbers(paths, models, images, as_json)
        return
    with np.errstate(all="ignore"):  # weights of any size are to be measured
        read = chosen.probabilities if chosen else vote
        probabilities = np.nan_to_num(read(models, images.test.images))  # (N, C)
    answers = task.decide(probabilities, logits=False)
    result: dict[str, Any] = {
        "models": [str(path) for path in paths],
        "dataset": images.name,
        "device": backend.name,
        "task": task.kind,
        "expected_calibration_error": expected_calibration_error(probabilities, labels, task),
        "temperatures": [temperature_of(model) for model in models],
        "votes": chosen.to_json() if chosen else None,
    }
    if task.kind == "multiclass":
        counts = score(answers, labels, images.classes)
        result |= _class_figures(counts) | {"classes": task.names_of(images.classes)}
        table = _confusion_table(counts, task.names_of(images.classes))
    else:
        label_counts = score_labels(answers, labels)
        result |= _label_figures(label_counts, task.names)
        table = _label_table(label_counts, task.names)
    if as_json:
        print(json.dumps(result))
        return
    if chosen:
        console.say(chosen.describe())
    console.say(
        f"test accuracy {result['test_accuracy']:.2%}: {result['test_correct']:,} right and "
        f"{result['test_wrong']:,} wrong of {result['test_total']:,} {images.name} {images.called}"
    )
    if task.kind == "multiclass":
        console.say(
            f"balanced accuracy {result['balanced_accuracy']:.2%}, macro F1 "
            f"{result['macro_f1']:.2%}: the means over the classes, however rare"
        )
    temperatures = ", ".join(f"{temperature:.3g}" for temperature in result["temperatures"])
    console.say(
        f"expected calibration error {result['expected_calibration_error']:.2%}: how far the "
        f"confidence is from the accuracy, at temperature {temperatures}"
    )
    console.print_table(table)


def _report_numbers(paths: list[Path], models: list[MLP], images: Dataset, as_json: bool) -> None:
    """Print how far the mean estimates of some models are from the numbers, in their units."""
    test, task = images.test, images.task
    numbers = task.in_own_units(test.labels)  # (N, L)
    figures = score_numbers(estimate(models, test.images), numbers).to_json()
    if as_json:
        told = {"models": [str(path) for path in paths], "dataset": images.name, "task": task.kind}
        print(json.dumps(told | {"labels": task.names, "test_total": len(test)} | figures))
        return
    console.say(f"{len(test):,} {images.name} rows")
    table = _table("in the unit of each number", ("", "R²", "MAE", "RMSE"))
    for name, *row in zip(task.names, *figures.values(), strict=True):
        table.add_row(name, *(f"{figure:.4g}" for figure in row))
    console.print_table(table)


def _class_figures(counts: Score) -> dict[str, Any]:
    return {
        "test_accuracy": counts.accuracy,
        "test_correct": counts.correct,
        "test_wrong": counts.total - counts.correct,
        "test_total": counts.total,
        "balanced_accuracy": counts.balanced_accuracy,
        "macro_f1": counts.macro_f1,
        "precision": counts.precision.tolist(),
        "recall": counts.recall.tolist(),
        "confusion": counts.confusion.tolist(),
    }


def _label_figures(counts: LabelScore, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "test_accuracy": counts.exact_match,
        "test_correct": counts.exact,
        "test_wrong": counts.total - counts.exact,
        "test_total": counts.total,
        "labels": names,
        "label_accuracy": counts.accuracy.tolist(),
        "precision": counts.precision.tolist(),
        "recall": counts.recall.tolist(),
        "f1": counts.f1.tolist(),
    }


def _confusion_table(counts: Score, names: list[str]) -> Table:
    table = _table("rows: the label; columns: what was read", ("", *names, "recall", "precision"))
    for c, name in enumerate(names):
        row = (str(n) if n else "." for n in counts.confusion[c])
        table.add_row(name, *row, f"{counts.recall[c]:.2%}", f"{counts.precision[c]:.2%}")
    return table


def _label_table(counts: LabelScore, names: tuple[str, ...]) -> Table:
    table = _table(
        "an image counts as right where every answer is",
        ("", "accuracy", "precision", "recall", "F1"),
    )
    columns = counts.accuracy, counts.precision, counts.recall, counts.f1
    for name, *figures in zip(names, *columns, strict=True):
        table.add_row(name, *(f"{figure:.2%}" for figure in figures))
    return table


def _table(title: str, headings: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", box=None)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table
