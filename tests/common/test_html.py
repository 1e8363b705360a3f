"""Pieces of HTML: self-contained, escaped, and with lines where the numbers are."""

from __future__ import annotations

import re

import numpy as np
import pytest
from shown import Shown

from mlp.common.html import HEIGHT, WIDTH, chart, picture, side_by_side, table

EVIL = '<script>alert("x")</script>&'


def points(svg: str) -> list[list[tuple[float, float]]]:
    """The corners of each line."""
    return [
        [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.split())]
        for line in re.findall(r'points="([^"]*)"', svg)
    ]


def test_no_text_is_taken_as_markup() -> None:
    whole = side_by_side(
        [
            (EVIL, table([EVIL], [[EVIL]])),
            (EVIL, chart(EVIL, [1, 2], {EVIL: [0.0, 1.0]})),
            (EVIL, picture(np.zeros((2, 2), np.uint8), EVIL)),
        ]
    )
    shown = Shown(whole)  # which refuses scripts
    assert shown.text.count(EVIL) == 6
    assert "script" not in shown.tags


def test_a_picture_holds_its_pixels_and_is_shown_larger() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    html = picture(pixels, "twelve", 5)
    np.testing.assert_array_equal(np.asarray(Shown(html).pictures[0]), pixels)
    assert 'width="20" height="15"' in html


def test_a_chart_draws_higher_values_higher_and_later_ones_further_right() -> None:
    ((first, second, third),) = points(chart("c", [1, 2, 4], {"a": [0.0, 1.0, 0.5]}))
    assert first[0] < second[0] < third[0]
    assert second[1] < third[1] < first[1]  # y runs down
    assert third[0] - second[0] == pytest.approx(2 * (second[0] - first[0]), abs=0.2)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in (first, second, third))


@pytest.mark.parametrize(
    ("across", "line"),
    [
        ([1.0], [0.5]),
        ([], []),
        ([1, 2], [3.0, 3.0]),
        ([1, 2, 3], [float("nan"), float("inf"), 1.0]),
        ([1, 2], [float("nan")] * 2),
        ([1, 2], [-1.7e308, 1.7e308]),
    ],
)
def test_any_figures_are_drawn(across: list[float], line: list[float]) -> None:
    svg = chart("c", across, {"a": line})
    Shown(svg)
    assert "nan" not in svg.lower()
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for corners in points(svg) for x, y in corners)
