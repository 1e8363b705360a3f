"""How accuracy falls as images get harder to read, as bars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from rich.text import Text

from mlp.data.disturb import DISTURBANCES
from mlp.models.robustness import Curve, holds
from mlp.view.bars import draw_bars
from mlp.view.layout import wrap
from mlp.view.screen import Screen

WELL = 0.9
"""Down to this accuracy a network is said to hold."""


def draw_robustness(curves: Mapping[str, Curve], screen: Screen) -> list[Text]:
    """Draw a bar for each amount of each disturbance, below how far the network holds.

    Args:
        curves: by the disturbances' names.
        screen: where they are to be shown.
    """
    lines: list[Text] = []
    for kind, curve in curves.items():
        lines += [Text()] if lines else []
        lines += wrap(describe(kind, curve), screen.width)
        names = [DISTURBANCES[kind].form.format(amount) for amount in curve]
        lines += draw_bars(np.array([*curve.values()]), names, screen)
    return lines


def describe(kind: str, curve: Curve) -> str:
    """Say how well images are read as they are, and how far at least `WELL`."""
    unit, form = DISTURBANCES[kind].unit, DISTURBANCES[kind].form
    told = f"{kind} ({unit}): {curve[0.0]:.2%} as they are"
    span = holds(curve, WELL)
    if span is None:
        return told
    low, high = (form.format(end) for end in span)
    return f"{told}, {WELL:.0%} or more from {low} to {high}"
