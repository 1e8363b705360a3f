"""``mlp eval``: how well a model file reads a dataset's test images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mlp.checkpoint import load
from mlp.cli.options import DataFolder, DatasetName, Device, Json, open_dataset, open_device
from mlp.inference import check_fits, predict
from mlp.metrics import Score, score


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file from mlp train.")],
    device: Device = "auto",
    dataset: DatasetName = "auto",
    data: DataFolder = None,
    as_json: Json = False,
) -> None:
    """Measure a model on a dataset's test images."""
    network = load(model, open_device(device))
    images = open_dataset(dataset, data)
    check_fits(network, images.pixels, images.classes)
    result = score(predict(network, images.test.images), images.test.labels, images.classes)
    if as_json:
        print(json.dumps(_as_dict(result, model, images.name, network.backend.name)))
    else:
        _print(result, images.name)


def _as_dict(result: Score, model: Path, data: str, device: str) -> dict[str, object]:
    return {
        "model": str(model),
        "dataset": data,
        "device": device,
        "test_accuracy": result.accuracy,
        "test_correct": result.correct,
        "test_wrong": result.total - result.correct,
        "test_total": result.total,
        "precision": result.precision.tolist(),
        "recall": result.recall.tolist(),
        "confusion": result.confusion.tolist(),
    }


def _print(result: Score, data: str) -> None:
    print(
        f"test accuracy {result.accuracy:.2%}: {result.correct:,} right and "
        f"{result.total - result.correct:,} wrong of {result.total:,} {data} images"
    )
    classes = range(len(result.confusion))
    table = Table(title="rows: the label; columns: what was read", title_justify="left", box=None)
    for heading in ("", *map(str, classes), "recall", "precision"):
        table.add_column(heading, justify="right")
    for c in classes:
        counts = (str(n) if n else "." for n in result.confusion[c])
        table.add_row(str(c), *counts, f"{result.recall[c]:.2%}", f"{result.precision[c]:.2%}")
    Console(highlight=False, soft_wrap=True).print(table)
