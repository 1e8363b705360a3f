"""Pieces of HTML for notebooks: self-contained, without scripts, in the colours of the page.

What is shown is escaped here, so that a name from a file is never taken as markup.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from mlp.common.pictures import png

WIDTH, HEIGHT = 320, 160
"""Pixels of a chart."""

LEFT, RIGHT, TOP, BOTTOM = 46, 8, 24, 20
"""Pixels around its lines, for the figures."""

COLOURS = "#2f6fd0", "#d9730d", "#8a8f98", "#7a4fb5"
"""Of lines, in their order: seen on white and on black."""


def picture(pixels: NDArray[np.uint8], alt: str, factor: int = 1) -> str:
    """Return an image element that holds its pixels.

    Args:
        pixels: uint8, shape (H, W) or (H, W, 3).
        alt: what it shows.
        factor: how many times as large it is shown.
    """
    height, width = pixels.shape[:2]
    data = base64.b64encode(png(pixels)).decode("ascii")
    return (
        f'<img alt="{escape(alt)}" width="{factor * width}" height="{factor * height}" '
        f'style="image-rendering:pixelated;max-width:none" src="data:image/png;base64,{data}">'
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table of texts and numbers."""
    head = "".join(f'<th style="text-align:left">{escape(text)}</th>' for text in heads)
    body = "".join(
        f"<tr>{''.join(f'<td style=text-align:left>{escape(str(cell))}</td>' for cell in row)}</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def side_by_side(blocks: Sequence[tuple[str, str]]) -> str:
    """Return blocks of HTML beside one another, each below its caption, which is a text."""
    parts = "".join(
        f'<figure style="margin:0"><figcaption style="font-size:smaller">{escape(caption)}'
        f"</figcaption>{block}</figure>"
        for caption, block in blocks
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px;align-items:flex-end">{parts}</div>'


def chart(title: str, across: Sequence[float], lines: Mapping[str, Sequence[float]]) -> str:
    """Return lines over a common axis as inline SVG.

    Args:
        title: what it shows, for those who do not see it, too.
        across: where the points stand, such as the epochs.
        lines: heights by the names of the lines, as many as there are points; what is not finite
            is left out.
    """
    heights = [v for line in lines.values() for v in line if math.isfinite(v)]
    low, high = (min(heights), max(heights)) if heights else (0.0, 1.0)
    first, last = (min(across), max(across)) if len(across) else (0.0, 1.0)
    parts = [_grid(low, high, first, last)]
    beside = LEFT
    for k, (name, line) in enumerate(lines.items()):
        colour = COLOURS[k % len(COLOURS)]
        points = [
            f"{_place(x, first, last, LEFT, WIDTH - RIGHT):.1f},"
            f"{_place(y, low, high, HEIGHT - BOTTOM, TOP):.1f}"
            for x, y in zip(across, line, strict=True)
            if math.isfinite(y)
        ]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" stroke-linecap="round" '
            f'points="{" ".join(points if len(points) != 1 else 2 * points)}"/>'
            f'<text x="{beside}" y="12" fill="{colour}">{escape(name)}</text>'
        )
        beside += 7 * len(name) + 10
    return (
        f'<svg role="img" aria-label="{escape(title)}" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-size="11" font-family="sans-serif">'
        f"{''.join(parts)}</svg>"
    )


def _grid(low: float, high: float, first: float, last: float) -> str:
    """Draw the two ends of either axis."""
    floor = HEIGHT - BOTTOM
    ends = ((floor, low), (TOP + 8, high))
    return (
        f'<path d="M{LEFT} {TOP}V{floor}H{WIDTH - RIGHT}" fill="none" stroke="currentColor" '
        'stroke-opacity="0.4"/>'
        + "".join(
            f'<text x="{LEFT - 4}" y="{y}" text-anchor="end" fill="currentColor">{value:.4g}</text>'
            for y, value in ends
        )
        + f'<text x="{LEFT}" y="{HEIGHT - 5}" fill="currentColor">{first:g}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 5}" text-anchor="end" fill="currentColor">{last:g}'
        "</text>"
    )


def _place(value: float, low: float, high: float, start: float, stop: float) -> float:
    """Bring a value between two ends to a place between two others; the middle if they are one."""
    share = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
    return start + share * (stop - start)
