"""``mlp draw``: a local page that reads digits which are drawn on it, or photos of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlp.cli import console
from mlp.cli.page_options import Served, check_page_installed


def draw(
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights in any format; else the pretrained model."),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder of models to choose from on the page."),
    ] = None,
    *,
    served: Served,
) -> None:
    """Open a page to draw digits on, and see what the network makes of them."""
    check_page_installed()
    from mlp.web.app import create_app
    from mlp.web.model_list import ModelList
    from mlp.web.server import listen, serve

    offered = ModelList(model, models)
    bound = listen(served.host, served.port)
    serve(create_app(offered, served.host), bound, browser=served.browser, on_note=console.note)
