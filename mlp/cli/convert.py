"""``mlp convert``: a network's weights in another form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mlp.cli.options import Json
from mlp.models.formats.convert import ACTIVATION, NAMES, OUTPUT, read_model, write_model
from mlp.nn.layers import LAYERS
from mlp.nn.network import DTYPES


def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="A model file, an .npz, a weight file of the diary, or a folder of CSV files.",
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="A file ending in .safetensors, .npz or .bin (the diary's dynamic form), or a "
            "folder for CSV files.",
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(metavar="FORM", help=f"{', '.join(NAMES)}; else what the ending tells."),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            help=f"What follows IN's hidden layers, where IN does not tell: "
            f"{', '.join(LAYERS)}. Else {ACTIVATION}."
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
    """Write a network's weights in another form, keeping every bit but in safetensors-half."""
    model = read_model(source, activation=activation, output=output, dtype=dtype)
    form = write_model(model, target, to, force=force)
    if as_json:
        result = {
            "path": str(target),
            "form": form.name,
            "layers": model.sizes,
            "activation": model.activation,
            "output": model.output,
            "dtype": model.dtype,
            "parameters": int(model.parameters.size),
        }
        print(json.dumps(result))
    else:
        print(f"{target}: {model} as {form.name}, {model.parameters.size:,} parameters")
