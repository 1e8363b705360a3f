"""Numbers from 0 to 1, such as the ten probabilities, as a horizontal bar chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from mlp.view.layout import block_width
from mlp.view.screen import Screen

WHOLE, HALF = "█▌"

WIDEST = 60
"""A bar of 1 is at most this many columns."""


def draw_bars(
    values: NDArray[Any], names: Sequence[str], screen: Screen, full: float = 1.0
) -> list[Text]:
    """Draw a line a value: its name, its bar and its percentage.

    Args:
        values: from 0 to 1, shape (C,); NaN has no bar.
        names: C of them.
        screen: where they are to be shown.
        full: the value, above 0, that the longest possible bar stands for.
    """
    labels = [Text(name) for name in names]
    widest = block_width(labels)
    figures = [f"{value:7.2%}" for value in values]
    room = screen.width - widest - max(map(len, figures)) - len(" | ")
    lines = []
    for label, value, figure in zip(labels, values, figures, strict=True):
        label.pad_left(widest - label.cell_len)
        bar = _bar(float(np.clip(np.nan_to_num(value) / full, 0.0, 1.0)), min(room, WIDEST), screen)
        line = Text(f" |{bar} ").append(figure)
        lines.append(label.append_text(line))
        lines[-1].truncate(screen.width)
    return lines


def _bar(fraction: float, room: int, screen: Screen) -> str:
    """Fill a fraction of ``room`` columns, to the half column where there are such characters."""
    halves = round(2 * fraction * max(room, 0))
    if not screen.can_show(WHOLE + HALF):
        return ("#" * (halves // 2)).ljust(room)
    return (WHOLE * (halves // 2) + HALF * (halves % 2)).ljust(room)
