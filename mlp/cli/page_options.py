"""What every command that serves a page takes, and needs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated

import typer

from mlp.common.errors import UsageError
from mlp.common.version import install_command


@dataclass(frozen=True, kw_only=True)
class Served:
    """Where a page is served, as options."""

    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 lets your phone in.")
    ] = "127.0.0.1"
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes one that is free.")
    ] = 0
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True


def check_page_installed() -> None:
    """Refuse to go on without the packages that serve pages.

    Raises:
        UsageError: if one is not installed.
    """
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the page needs {' and '.join(missing)}, not installed here: {install_command('draw')}"
        )
