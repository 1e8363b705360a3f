"""The directive ``commands``: every command of ``mlp`` with its options, as ``--help`` has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from docutils import nodes
from rich.text import Text
from sphinx.util.docutils import SphinxDirective
from typer.core import TyperArgument

from mlp.cli import app as mlp
from mlp.cli.help import as_typed


class Commands(SphinxDirective):
    """A section for each command."""

    def run(self) -> list[nodes.Node]:
        """Parse the commands' Markdown as if it stood on the page."""
        return self.parse_text_to_nodes("\n".join(pages()), allow_section_headings=True)


def pages() -> Iterator[str]:
    """Yield the lines of all commands, in Markdown, a heading each."""
    top = typer.main.get_command(mlp)
    yield from _pages(top, typer.Context(top, info_name="mlp"))


def _pages(command: Any, context: Any) -> Iterator[str]:
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        inner = typer.Context(below, info_name=name, parent=context)
        yield from ("", f"## {inner.command_path}", "", escaped(below.help or ""), "")
        if hasattr(below, "commands"):
            yield from _pages(below, inner)
        else:
            yield from options(below, inner)


def options(command: Any, context: Any) -> Iterator[str]:
    """Yield the lines of a command's usage and options, a table for each of their groups."""
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield from ("```text", " ".join(usage.split()), "```")
    groups: dict[str, list[str]] = {}
    for option in command.get_params(context):
        if getattr(option, "hidden", False):
            continue
        usual = "Arguments" if isinstance(option, TyperArgument) else "Options"
        record, told = option.get_help_record(context)
        own = option.help or ""
        facts = told.removeprefix(own).replace("\\[", "[").strip()
        meaning = f"{escaped(Text.from_markup(own).plain)} {escaped(facts)}".strip()
        row = f"| `{as_typed(record).plain.replace('|', chr(92) + '|')}` | {meaning} |"
        heading = getattr(option, "rich_help_panel", None) or usual
        groups.setdefault(heading, []).append(row)
    for heading, rows in groups.items():
        yield from ("", f"| {heading} | |", "| --- | --- |", *rows)


def escaped(text: str) -> str:
    """Return a text in one line whose characters mean themselves in Markdown."""
    line = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|$~#" else c for c in line)


def setup(app: Any) -> dict[str, bool]:
    """Enter the extension."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
