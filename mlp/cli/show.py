"""``mlp show``: a group of commands, one for each view in `mlp.cli.views.registry.VIEWS`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import typer
from typer.core import TyperGroup

from mlp.cli import views
from mlp.cli.expand import expand
from mlp.cli.views.registry import VIEWS

for module in iter_modules(views.__path__):
    import_module(f"{views.__name__}.{module.name}")  # registers its view


class _Views(TyperGroup):
    """Lists and makes its commands on request, so that it has all views registered by then."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(VIEWS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in VIEWS:
            return None
        alone = typer.Typer(add_completion=False)
        alone.command(cmd_name)(expand(VIEWS[cmd_name]))
        return typer.main.get_command(alone)


show = typer.Typer(cls=_Views, no_args_is_help=True)


@show.callback()
def _show() -> None:
    """Show images, and a model's weights, mistakes, training and confusions."""
