"""``mlp find-lr``: which learning rate a network, its data and its recipe bear."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mlp.cli import console
from mlp.cli.expand import Overrides, Without
from mlp.cli.options import Json, open_device
from mlp.cli.parse import parse_range
from mlp.cli.progress import WorkBar
from mlp.cli.train_open import open_data, open_network
from mlp.cli.train_options import Computed, TrainingOptions
from mlp.cli.train_settings import collect_options, settle
from mlp.cli.views.registry import Canvas
from mlp.data.reading import Reading
from mlp.training.architecture import Architecture
from mlp.training.range_test import measure, read, usual_range
from mlp.training.recipe import Recipe
from mlp.view import plots
from mlp.view.rate_curve import draw_rate_curve

UNUSED = (
    "lr", "schedule", "warmup", "epochs", "keep", "monitor", "patience", "min_delta", "average",
    "train_accuracy", "loss_on", "report_every",
)  # fmt: skip
"""What a recipe says of its rates, of a run of several epochs and of measuring it."""


def find_lr(
    context: typer.Context,
    *,
    asked: TrainingOptions,
    network: Overrides[Architecture],
    training: Annotated[Overrides[Recipe], Without(*UNUSED)],
    reading: Overrides[Reading],
    computed: Computed,
    rates: Annotated[
        str | None,
        typer.Option(
            metavar="LOW..HIGH",
            help="The first and the last rate; else from far below to far above the optimizer's "
            "usual one.",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=10, help="Updates; else those of an epoch, and 100 or more."),
    ] = None,
    canvas: Canvas,
    as_json: Json = False,
) -> None:
    """Train with rates that rise, draw the loss over them, and suggest one.

    It ends in exit code 1 where the loss has no slope or still falls at the last rate, and in 3
    where it diverges at once: no rate is suggested then.
    """
    given = collect_options(context, asked, computed, {})
    settings = settle(None, given, network, training, reading)
    recipe = settings.training
    low, high = usual_range(recipe) if rates is None else parse_range(rates, "rates")
    device = settings.device
    backend = open_device(device.device, device.precision, device.graph)
    settings, images = open_data(settings, suiting=False)
    settings, model = open_network(settings, network, images, backend)
    with WorkBar("steps", steps) as bar:
        curve = measure(model, images, recipe, low, high, steps, on_steps=bar.advance)
    found = read(curve)
    if as_json:
        told = {
            "suggestion": found.suggestion,
            "reason": None if found.problem is None else str(found.problem),
            "optimizer": recipe.optimizer,
            "steps": curve.steps,
            "rates": curve.lrs.tolist(),
            "losses": curve.losses.tolist(),
            "smoothed": found.smoothed.tolist(),
        }
        print(json.dumps(told))
    elif len(found.lrs) > 1:
        canvas.print(
            draw_rate_curve(
                found.lrs.tolist(), found.smoothed.tolist(), found.suggestion, canvas.screen
            )
        )
    if len(found.lrs) > 1:
        title = f"{model}, {recipe.optimizer}"
        canvas.write(
            lambda: plots.plot_rates(
                curve.lrs, curve.losses, found.smoothed, found.suggestion, title
            )
        )
    if found.problem is not None:
        raise found.problem
    if not as_json:
        console.say(f"suggested: --lr {found.suggestion:g}, where the smoothed loss is least")
