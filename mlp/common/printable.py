"""Text from files made harmless to print: a stranger's name of a class cannot steer a terminal."""

from __future__ import annotations

LONGEST = 1_000
"""Characters of a message: a longer one is cut short in its middle."""

LONGEST_NAME = 60
"""Characters of one name within a message, a line or a table."""


def printable(text: str, longest: int = LONGEST) -> str:
    r"""Return text that changes nothing but its own place when it is printed.

    Characters that steer a terminal, are not seen or are halves of others (Unicode's categories
    "Other" and "Separator", but for the space) are written as Python writes them: ``\x1b``.

    Args:
        text: any text.
        longest: the most characters that are returned; the middle of a longer text is left out.
    """
    if len(text) > longest:
        text = f"{text[: longest // 2]} … {text[-(longest // 2 - 3) :]}"
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe if len(safe) <= longest else f"{safe[: longest - 2]} …"


def printable_name(name: str) -> str:
    """Return a name, such as that of a class, fit to be printed: see `printable`."""
    return printable(name, LONGEST_NAME)
