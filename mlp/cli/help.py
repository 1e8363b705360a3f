"""The help of a command: its options in groups, each beside what it means, in any width.

Typer's own table gives the names, the short names, the contrary names and the types of a group's
options a column each, and what is left, often a quarter of the width, to what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from typer.core import TyperArgument, TyperCommand

TERM_WIDTH = 27
"""Columns for an option and its value."""

VALUES = {
    r" *<(bool|path|list\[str\])>": "",
    r"[<\[](\w+(\|\w+)+)[>\]]": r"\1",
    r"<str>|\bTEXT\b": "NAME",
    r"<int( range)?>|\bINTEGER( RANGE)?\b": "N",
    r"<float( range)?>|\bFLOAT( RANGE)?\b": "NUMBER",
}
"""What stands for a value, by what typer calls its type where the option says nothing."""


class Command(TyperCommand):
    """A command whose help fits 80 columns."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Print the help, as typer does, rather than write it to ``formatter``."""
        console = Console(highlight=False)
        usage = Text(" Usage: ", "yellow").append(self.get_usage(ctx).removeprefix("Usage: "))
        console.print(Padding(usage, (1, 0)))
        if self.help:
            console.print(Padding(self.help.strip(), (0, 1, 1, 1)))
        groups: dict[str, list[Any]] = {"Arguments": [], "Options": []}
        for option in self.get_params(ctx):
            usual = "Arguments" if isinstance(option, TyperArgument) else "Options"
            heading = getattr(option, "rich_help_panel", None) or usual
            if not getattr(option, "hidden", False):
                groups.setdefault(heading, []).append(option)
        for heading, options in groups.items():
            if options:
                table = table_of(options, ctx)
                console.print(Panel(table, title=heading, title_align="left", border_style="dim"))


def table_of(options: Iterable[Any], ctx: Any) -> Table:
    """Return a group of options, each with its value, beside what it means."""
    table = Table(box=None, show_header=False, expand=True, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(width=TERM_WIDTH, no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for option in options:
        record, told = option.get_help_record(ctx)  # as click gives it in any of typer's releases
        own = option.help or ""
        meaning = Text.from_markup(own)
        if facts := told.removeprefix(own).replace("\\[", "[").strip():
            meaning.append(" ").append(facts, "dim")
        term = as_typed(record)
        if term.cell_len > TERM_WIDTH:  # the value stands before the meaning
            term, value = term.divide([term.plain.rindex(" ")])
            meaning = Text(" ").join([Text(value.plain.strip(), "yellow"), meaning])
        table.add_row(term, meaning)
    return table


def as_typed(record: str) -> Text:
    """Write an option and its value as they are typed.

    Args:
        record: as click writes them: ``--bias / --no-bias``, which becomes ``--[no-]bias``, or
            ``--lr <float>``, which becomes ``--lr NUMBER``.
    """
    record = re.sub(r"--([\w-]+) / --no-\1\b", r"--[no-]\1", record.strip())
    for kind, word in VALUES.items():
        record = re.sub(kind, word, record)
    term = Text(record, "yellow")
    term.highlight_regex(r"(?<!\S)-\S+", "bold cyan")
    return term
