"""``mlp show weights``: each unit's incoming weights as an image."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import typer
from rich.text import Text

from mlp.cli import console
from mlp.cli.views.registry import VIEWS, Canvas, Model, check_count
from mlp.common.errors import UsageError
from mlp.models.formats.convert import read_model
from mlp.models.metadata import metadata_of
from mlp.models.unlit import unlit_inputs
from mlp.nn.network import MLP
from mlp.view import plots
from mlp.view.heatmap import draw_units, units_of

UNITS_SHOWN = 36
"""How many of a layer's units are drawn in the terminal by default."""


@VIEWS.register("weights")
def weights(
    *,
    path: Model,
    layer: Annotated[
        int | None, typer.Option(help="The layer, from 1 after the image; else all.")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(help=f"How many units of each layer; else {UNITS_SHOWN}, and all in FILE."),
    ] = None,
    scale: Annotated[
        Literal["layer", "unit"],
        typer.Option(help="Whether a layer's units have one scale or each its own."),
    ] = "layer",
    canvas: Canvas,
) -> None:
    """Show the weights of each unit as an image, negative and positive in two colours."""
    check_count(count)
    model = read_model(path)
    layers = [
        units_of(
            model.backend.to_numpy(model.linear[number - 1].W),
            number,
            _image_shape(model) if number == 1 else None,
            each=scale == "unit",
            unlit=unlit_inputs(model) if number == 1 else None,
        )
        for number in _layer_numbers(model, layer)
    ]
    for k, units in enumerate(layers):
        shown = min(count or UNITS_SHOWN, len(units.images))
        canvas.print([*[Text()][: k > 0], *draw_units(units, canvas.screen, shown)])
        if count is None and shown < len(units.images):
            console.note(f"{shown} of {len(units.images)} units: --count shows more")
    canvas.write(lambda: plots.plot_units(layers, count))


def _layer_numbers(model: MLP, layer: int | None) -> list[int]:
    numbers = range(1, len(model.linear) + 1)
    if layer is None:
        return list(numbers)
    if layer not in numbers:
        raise UsageError(
            f"--layer {layer}: the layers are 1 to {len(numbers)}, so take one of them"
        )
    return [layer]


def _image_shape(model: MLP) -> tuple[int, int] | None:
    """Return the shape of the training images, if the model's file records one that fits."""
    dataset = metadata_of(model).dataset
    if dataset is None or math.prod(dataset.image_shape) != model.sizes[0]:
        return None
    return dataset.image_shape if len(dataset.image_shape) == 2 else None
