"""The curve of a range test in the terminal."""

from __future__ import annotations

import numpy as np
import pytest
from screens import plain

from mlp.view.rate_curve import ROWS, ceiling, draw_rate_curve
from mlp.view.screen import Screen

RATES = np.geomspace(1e-4, 1.0, 50).tolist()
LOSSES = [2.0] * 20 + np.linspace(2.0, 0.5, 20).tolist() + np.geomspace(0.6, 1e6, 10).tolist()


def test_the_mark_stands_below_the_least_loss() -> None:
    lines = plain(draw_rate_curve(RATES, LOSSES, RATES[39], Screen(60)))
    assert len(lines) == ROWS + 2
    assert lines[0].startswith("2.15 ")
    assert lines[ROWS - 1].startswith(" 0.5 ")
    mark = lines[ROWS].index("▲")
    lowest = [i for i, c in enumerate(lines[ROWS - 1]) if c in "▁▂"]
    assert lowest[0] - 1 <= mark <= lowest[-1] + 1
    assert lines[-1].split() == ["0.0001", "0.001", "0.01", "0.1", "1"]
    assert lines[ROWS].split()[1] == f"{RATES[39]:g}"


def test_powers_of_ten_stand_where_they_are() -> None:
    lines = plain(draw_rate_curve(RATES, LOSSES, 0.01, Screen(85)))
    assert abs(lines[ROWS].index("▲") - lines[-1].index("0.01 ")) <= 1


@pytest.mark.parametrize("width", [16, 40, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_it_keeps_to_the_screen(width: int, encoding: str) -> None:
    for line in plain(draw_rate_curve(RATES, LOSSES, 1.0, Screen(width, encoding=encoding))):
        assert len(line) <= width
        line.encode(encoding)


def test_a_flat_curve_without_a_suggestion_is_drawn() -> None:
    lines = plain(draw_rate_curve([0.1, 1.0], [2.0, 2.0], None, Screen(30)))
    assert len(lines) == ROWS + 1
    assert set(lines[ROWS - 1][2:].strip()) == {"▁"}


def test_what_diverges_does_not_flatten_the_rest() -> None:
    assert ceiling(LOSSES) == pytest.approx(2.15)
    assert ceiling([3.0, 1.0, 2.0]) == 3.0
