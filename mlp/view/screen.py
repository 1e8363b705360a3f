"""What the terminal, pipe or file that lines are printed to can show."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

PIPE_WIDTH = 80
"""The columns of a pipe or a file, which have no width of their own."""

NARROWEST = 16
"""Nothing is drawn narrower than this, whatever a terminal says of its width."""

FINE_COLOURS = ("256", "truecolor")
"""The colour systems, as rich names them, in which shades can be told apart."""


@dataclass(frozen=True)
class Screen:
    """What lines are printed to.

    Attributes:
        width: columns of characters.
        colour: whether shades of colour can be shown.
        encoding: the encoding of its characters.
        true_colour: whether the shades are any, or those of xterm's 256 colours.
    """

    width: int = PIPE_WIDTH
    colour: bool = False
    encoding: str = "utf-8"
    true_colour: bool = True

    @classmethod
    def of_stdout(cls) -> Screen:
        """Ask standard output, the environment (`NO_COLOR`, `TERM`, ...) and the terminal."""
        console = Console()
        colour = console.color_system in FINE_COLOURS and not console.no_color
        width = console.width if sys.stdout.isatty() else PIPE_WIDTH
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        return cls(max(width, NARROWEST), colour, encoding, console.color_system == "truecolor")

    @property
    def shades(self) -> bool:
        """Whether pixels can be shown in shades of colour, two to a character."""
        return self.colour and self.can_show("▀▄")

    def can_show(self, characters: str) -> bool:
        """Tell whether the encoding has all of these characters."""
        try:
            characters.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True

    def print(self, lines: Iterable[Text]) -> None:
        """Write lines to standard output, with no escape codes where there is no colour."""
        console = Console(highlight=False, soft_wrap=True)
        for line in lines:
            if self.colour:
                console.print(line)
            else:
                print(line.plain.encode(self.encoding, "replace").decode(self.encoding))
