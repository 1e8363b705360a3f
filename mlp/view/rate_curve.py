"""The curve of a learning-rate range test in the terminal: the loss over the logarithm of the rate.

The plot is of block characters, several rows high, below it the powers of ten.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from mlp.view.curves import ASCII_LEVELS, LEVELS
from mlp.view.screen import Screen

ROWS = 8
"""Rows of the plot."""

MARK, ASCII_MARK = "▲", "^"
"""Below the rate that is suggested."""


def draw_rate_curve(
    rates: Sequence[float], losses: Sequence[float], suggestion: float | None, screen: Screen
) -> list[Text]:
    """Draw smoothed losses over their rates, which rise geometrically.

    Args:
        rates: the learning rates, rising.
        losses: the smoothed loss at each.
        suggestion: the rate to mark; None for none.
        screen: what the terminal can show.
    """
    low, high = min(losses), ceiling(losses)
    labels = [f"{high:.3g}", f"{low:.3g}"]
    margin = max(map(len, labels)) + 1
    columns = max(screen.width - margin, 1)
    picked = np.interp(
        np.linspace(math.log(rates[0]), math.log(rates[-1]), columns), np.log(rates), losses
    )
    heights = np.minimum(picked - low, high - low) / ((high - low) or 1.0)
    lines = []
    for row, text in enumerate(_bars(heights, screen)):
        label = labels[0] if row == 0 else labels[1] if row == ROWS - 1 else ""
        lines.append(Text(f"{label:>{margin - 1}} {text}"))

    def column(rate: float) -> int:
        share = math.log(rate / rates[0]) / math.log(rates[-1] / rates[0])
        return min(max(round(share * (columns - 1)), 0), columns - 1)

    if suggestion is not None:
        mark = MARK if screen.can_show(MARK) else ASCII_MARK
        text = f"{mark} {suggestion:g}"
        lines.append(Text(" " * (margin + min(column(suggestion), columns - len(text))) + text))
    axis = [" "] * columns
    for power in range(math.ceil(math.log10(rates[0])), math.floor(math.log10(rates[-1])) + 1):
        label, at = f"{10.0**power:g}", column(10.0**power)
        room = axis[max(at - 1, 0) : at + len(label)]
        if at + len(label) <= columns and not "".join(room).strip():
            axis[at : at + len(label)] = label
    lines.append(Text(" " * margin + "".join(axis).rstrip()))
    for line in lines:
        line.truncate(screen.width)
    return lines


def ceiling(losses: Sequence[float]) -> float:
    """Return what is drawn highest: a bit more than the highest loss before the least one.

    Where the loss diverges, what came before would else be flat.
    """
    least = int(np.argmin(losses))
    before = max(losses[: least + 1])
    return min(max(losses), before + 0.1 * (before - losses[least]))


def _bars(heights: NDArray[np.float64], screen: Screen) -> list[str]:
    """Draw heights from 0 to 1 as bars, the highest row first; the lowest level is never empty."""
    levels = LEVELS if screen.can_show(LEVELS) else ASCII_LEVELS
    filled = np.maximum(np.rint(heights * ROWS * len(levels)).astype(int), 1)
    rows = []
    for row in reversed(range(ROWS)):
        inside = np.clip(filled - row * len(levels), 0, len(levels)).tolist()
        rows.append("".join(levels[level - 1] if level else " " for level in inside))
    return rows
