"""Bars as long as their values."""

from __future__ import annotations

import numpy as np
from screens import plain

from mlp.view.bars import draw_bars
from mlp.view.screen import Screen


def test_bars_are_as_long_as_their_values() -> None:
    values = np.array([0.0, 0.5, 1.0, np.nan])
    lines = plain(draw_bars(values, ["a", "b", "c", "d"], Screen(80, encoding="ascii")))
    assert [line.count("#") for line in lines] == [0, 30, 60, 0]
    assert [line[-7:].strip() for line in lines[:3]] == ["0.00%", "50.00%", "100.00%"]
    assert "▌" in draw_bars(np.array([0.5]), ["a"], Screen(26))[0].plain
