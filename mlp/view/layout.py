"""Blocks of lines beside and below one another, within a width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rich.text import Text

GAP = 2
"""The columns between two blocks."""


def wrap(text: str, width: int) -> list[Text]:
    """Break a text into lines of at most ``width`` columns; an empty text is one empty line."""
    return [Text(line) for line in textwrap.wrap(text, width)] or [Text()]


def block_width(block: Iterable[Text]) -> int:
    """Return the columns of the longest line."""
    return max((line.cell_len for line in block), default=0)


def flow(blocks: Iterable[Sequence[Text]], width: int) -> list[Text]:
    """Lay blocks out from left to right, and go on below where the width is used up.

    Args:
        blocks: each a list of lines; what is wider than ``width`` is cut off.
        width: columns that no line goes beyond.
    """
    rows: list[list[Sequence[Text]]] = []
    used = width
    for block in blocks:
        needed = GAP + block_width(block)
        if used + needed > width:
            rows.append([])
            used = -GAP
        rows[-1].append(block)
        used += needed
    lines: list[Text] = []
    for row in rows:
        lines += [Text()] if lines else []
        lines += _side_by_side(row, width)
    return lines


def _side_by_side(row: Sequence[Sequence[Text]], width: int) -> list[Text]:
    widths = [block_width(block) for block in row]
    lines = []
    for i in range(max(map(len, row))):
        line = Text()
        for k, block in enumerate(row):
            part = block[i].copy() if i < len(block) else Text()
            part.pad_right(widths[k] - part.cell_len + (GAP if k + 1 < len(row) else 0))
            line.append_text(part)
        line.rstrip()
        line.truncate(width)
        lines.append(line)
    return lines
