"""``mlp draw``: a local page that reads digits which are drawn on it, or photos of them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mlp.cli import console
from mlp.common.errors import UsageError
from mlp.common.version import install_command


def draw(
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights in any format; else the pretrained model."),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder of models to choose from on the page."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 lets your phone in.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes one that is free.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Open a page to draw digits on, and see what the network makes of them."""
    check_installed()
    from mlp.web.app import create_app
    from mlp.web.model_list import ModelList
    from mlp.web.server import listen, serve

    offered = ModelList(model, models)
    bound = listen(host, port)
    serve(create_app(offered, host), bound, browser=browser, on_note=console.note)


def check_installed() -> None:
    """Refuse to go on without the packages that serve pages.

    Raises:
        UsageError: if one is not installed.
    """
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the page needs {' and '.join(missing)}, not installed here: {install_command('draw')}"
        )
