"""Groups of commands, each of which is made from its function when it is asked for.

So a command's options list what is registered by then, and a run of one command does not wait for
the others to be made, nor for what they import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from mlp.cli.expand import expand
from mlp.cli.help import Command

Entry = Callable[..., None] | typer.Typer

Entries = Mapping[str, Entry | str]
"""Commands and groups by their names; ``"module:name"`` is imported when it is asked for."""


def imported(entry: Entry | str) -> Entry:
    """Return an entry as what is called."""
    if not isinstance(entry, str):
        return entry
    module, _, name = entry.partition(":")
    found: Entry = getattr(import_module(module), name)
    return found


def group_of(entries: Entries) -> type[TyperGroup]:
    """Make the class of a group, for ``typer.Typer(cls=…)``.

    Args:
        entries: its commands, each a function whose parameters are options for typer and
            `mlp.cli.expand`; what is added later is among them.
    """

    class Group(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands: Any = _Commands(entries)

        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
            return list(entries)

    return Group


class _Commands(Mapping[str, Any]):
    """Typer's commands by their names."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def __getitem__(self, name: str) -> Any:
        app = entry = imported(self._entries[name])
        if not isinstance(entry, typer.Typer):
            app = typer.Typer(add_completion=False)
            app.command(name, cls=Command)(expand(entry))
        assert isinstance(app, typer.Typer)
        return typer.main.get_command(app)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
