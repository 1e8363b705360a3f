"""``mlp show``: a group of commands, one for each view in `mlp.cli.views.registry.VIEWS`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import typer

from mlp.cli import views
from mlp.cli.group import group_of
from mlp.cli.views.registry import VIEWS

for module in iter_modules(views.__path__):
    import_module(f"{views.__name__}.{module.name}")  # registers its view

show = typer.Typer(name="show", cls=group_of(VIEWS), no_args_is_help=True, add_completion=False)


@show.callback()
def _show() -> None:
    """Show images, and a model's weights, mistakes, training and confusions."""
