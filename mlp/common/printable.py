"""Text from files made harmless to print: a stranger's name of a class cannot steer a terminal."""

from __future__ import annotations

import re

LONGEST = 1_000
"""Characters of a message: a longer one is cut short in its middle."""

LONGEST_NAME = 60
"""Characters of one name within a message, a line or a table."""

_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, which ESC, BEL and the ends of lines are among; DEL; C1
    "\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # ends of lines, and turning text around
    "\ud800-\udfff]"  # halves of characters, of which file names in other encodings are made
)


def printable(text: str, longest: int = LONGEST) -> str:
    r"""Return text that changes nothing but its own place when it is printed.

    Characters that steer a terminal are written as Python would write them, such as ``\x1b``.

    Args:
        text: any text.
        longest: the most characters that are returned; the middle of a longer text is left out.
    """
    if len(text) > longest:
        text = f"{text[: longest // 2]} … {text[-(longest // 2 - 3) :]}"
    safe = _STEERING.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
    return safe if len(safe) <= longest else f"{safe[: longest - 2]} …"


def printable_name(name: str) -> str:
    """Return a name, such as that of a class, fit to be printed: see `printable`."""
    return printable(name, LONGEST_NAME)
