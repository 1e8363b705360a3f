"""``mlp export-page``: a network as one HTML file, to draw digits on without any server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mlp.cli import console
from mlp.cli.options import Json
from mlp.common.errors import UsageError
from mlp.models.formats.convert import read_model
from mlp.web.page import write_page

LARGE = 1_500_000
"""Bytes: a larger page is slow to open on a phone, and too large for some mails."""


def export_page(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Weights in any format, of 28 x 28 pixels.")
    ],
    page: Annotated[
        Path, typer.Argument(metavar="PAGE", help="What is to be written: a name.html.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace a page that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write a page to draw digits on that runs in any browser, with the network inside it."""
    if page.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"a page's name ends in .html, and {page} does not: name it {page}.html")
    network = read_model(model)
    size = write_page(network, page, model.name, force=force)
    if as_json:
        parameters = int(network.parameters.size)
        print(json.dumps({"path": str(page), "bytes": size, "parameters": parameters}))
    else:
        console.say(f"{page}: {network}, {size / 1e6:.2f} MB; open it in a browser, or send it")
    if size > LARGE:
        console.note(
            f"{page} has {size / 1e6:.1f} MB: weights of half precision or eight bits make it "
            "smaller, see mlp convert --to safetensors-half or safetensors-int8"
        )
