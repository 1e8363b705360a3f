"""What every command that trains takes beside the choices of network, recipe and reading."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mlp.cli.options import DataFolder, DatasetName, Device, Precision, under
from mlp.data.task import Kind

DATA_OPTIONS, DEVICE_OPTIONS = "Data", "Device"
"""The headings of these options in the help."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Where a training's choices come from, its data and its task, as options."""

    preset: Annotated[
        str | None, typer.Option(help="A published recipe to start from; see mlp presets.")
    ] = None
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The recipe.toml of a run, to train by it again."),
    ] = None
    dataset: Annotated[str, under(DATA_OPTIONS, DatasetName)] = "auto"
    data: Annotated[Path | None, under(DATA_OPTIONS, DataFolder)] = None
    task: Annotated[
        Kind,
        typer.Option(
            metavar="KIND",
            help="multiclass; binary: yes or no; multilabel asks several questions, of images "
            "with one class each after laying two over each other; regression estimates numbers.",
            rich_help_panel=DATA_OPTIONS,
        ),
    ] = "multiclass"
    positive: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,…",
            help="For a binary task: the digits to say yes to, as 0,2,4.",
            rich_help_panel=DATA_OPTIONS,
        ),
    ] = None
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL",
            help="Start from a model's parameters; for other classes, all but its "
            "last layer's. Its network is taken, too.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Computed:
    """What a training is computed on, as options."""

    device: Annotated[str, under(DEVICE_OPTIONS, Device)] = "auto"
    precision: Annotated[str, under(DEVICE_OPTIONS, Precision)] = "float32"
    graph: Annotated[
        bool,
        typer.Option(
            "--graph/--no-graph",
            help="Replay captured steps, or call each anew.",
            rich_help_panel=DEVICE_OPTIONS,
        ),
    ] = True
