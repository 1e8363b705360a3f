"""``mlp draw``: a local page that reads digits which are drawn on it, or photos of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlp.cli import console
from mlp.cli.page_options import Served, check_page_installed
from mlp.common.errors import UsageError
from mlp.training.runs.folder import RunFolder, find_folder


def draw(
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights in any format; else the pretrained model."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="The model of a run, by its folder or name; see mlp runs. Of one that kept "
            "snapshots (mlp train --snapshots) the page shows its training, too.",
        ),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder of models to choose from on the page."),
    ] = None,
    *,
    served: Served,
) -> None:
    """Open a page to draw digits on, and see what the network makes of them."""
    if model is not None and run is not None:
        raise UsageError("--model and --run exclude each other: a run has a model of its own")
    folder = None if run is None else _trained(run)
    check_page_installed()
    from mlp.web.app import create_app
    from mlp.web.model_list import ModelList
    from mlp.web.server import listen, serve

    offered = ModelList(model, models, folder)
    bound = listen(served.host, served.port)
    serve(create_app(offered, served.host), bound, browser=served.browser, on_note=console.note)


def _trained(run: Path) -> RunFolder:
    """Find a run that has a model.

    Raises:
        UsageError: if there is no such run, or it has none yet.
    """
    folder = find_folder(run)
    if not folder.model.is_file():
        raise UsageError(
            f"{folder} has no model yet: it comes when the run ends; if it was killed, "
            f"mlp train --resume {folder} goes on with it"
        )
    return folder
