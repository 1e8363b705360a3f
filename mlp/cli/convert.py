"""``mlp convert``: a network's weights in another format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mlp.cli import console
from mlp.cli.options import Json
from mlp.models.formats.convert import ACTIVATION, OUTPUT, read_model, write_model
from mlp.models.formats.registry import FORMATS
from mlp.nn.layers import LAYERS
from mlp.nn.network import DTYPES


def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help=f"What is to be read: {FORMATS.titles}.",
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help=f"What is to be written: a name that ends in {FORMATS.endings}.",
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT", help=f"{', '.join(FORMATS.names)}; else what the ending tells."
        ),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            help=f"What follows IN's hidden layers, where IN does not tell: "
            f"{LAYERS.describe()}. Else {ACTIVATION}."
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(help=f"The same for the last layer. Else {OUTPUT}, which leaves logits."),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            help=f"{' or '.join(DTYPES)}, where IN does not tell. Else float32 if it holds every "
            "value exactly."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace weights that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Write a network's weights in another format, keeping every bit but in -half and -int8."""
    model = read_model(source, activation=activation, output=output, dtype=dtype)
    format = write_model(model, target, to, force=force)
    if as_json:
        result = {
            "path": str(target),
            "form": format.name,
            "layers": model.sizes,
            "activation": model.activation,
            "output": model.output,
            "dtype": model.dtype,
            "parameters": int(model.parameters.size),
        }
        print(json.dumps(result))
    else:
        console.say(f"{target}: {model} as {format.name}, {model.parameters.size:,} parameters")
