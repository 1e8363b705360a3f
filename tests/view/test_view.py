"""What every view keeps to: lines within the width, of characters that can be shown."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from rich.text import Text
from screens import IMAGES, METADATA, NAMES, RNG, case

from mlp.view.bars import draw_bars
from mlp.view.confusions import draw_confusions
from mlp.view.curves import draw_curves, read_curves
from mlp.view.digit import STYLES, draw_digits
from mlp.view.heatmap import draw_units, legend, units_of
from mlp.view.layout import wrap
from mlp.view.mistakes import draw_cases
from mlp.view.screen import Screen
from mlp.view.stages import draw_stages

WIDTHS = (16, 40, 80, 200)


SCREENS = [
    Screen(width, colour, encoding, true_colour)
    for width, (colour, encoding, true_colour) in itertools.product(
        WIDTHS,
        (
            (True, "utf-8", True),
            (True, "utf-8", False),
            (False, "utf-8", False),
            (False, "ascii", False),
            (True, "latin-1", True),
        ),
    )
]


def views(screen: Screen) -> dict[str, list[Text]]:
    """Draw everything there is on a screen."""
    confusion = RNG.integers(0, 1000, (10, 10))
    W = RNG.normal(size=(784, 5))
    return {
        **{f"digits {s}": draw_digits(IMAGES, ["a", "b", "c"], screen, s) for s in STYLES},
        "wide digits": draw_digits(np.zeros((1, 9, 300), np.uint8), ["wide"], screen),
        "units": draw_units(units_of(W, 1), screen, 5),
        "units each": draw_units(units_of(W.T[:, :40], 1, each=True), screen, 40),
        "bars": draw_bars(RNG.random(10), NAMES, screen),
        "long bars": draw_bars(RNG.random(2), ["short", "a question with a long text"], screen),
        "cases": draw_cases([case(), case()], NAMES, screen),
        "curves": draw_curves(read_curves(METADATA, "m"), screen),
        "confusions": draw_confusions(confusion, NAMES, screen, 10),
        "stages": draw_stages({"picture": W, "image": IMAGES[0]}, screen),
        "legend": legend(screen, "full from 0.123 on"),
        "text": wrap("words " * 50, screen.width),
    }


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_no_line_is_wider_than_the_screen_or_shows_what_it_cannot(screen: Screen) -> None:
    for name, lines in views(screen).items():
        assert lines, name
        for line in lines:
            assert line.cell_len <= screen.width, f"{name}: {line.plain!r}"
            assert screen.can_show(line.plain), f"{name}: {line.plain!r}"
            assert "\n" not in line.plain
            assert "\x1b" not in line.plain
            assert screen.colour or not line.spans, name
