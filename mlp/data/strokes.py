"""The shapes of the digits as arrays: from waypoints to points along the pen's way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mlp.data.hands import HANDS, WIDTHS

SAMPLES = 96
"""Points along all strokes of a digit: less than one pixel apart where it is 20 pixels high."""


@dataclass(frozen=True)
class Skeletons:
    """Every style as arrays, S styles of at most C waypoints, sampled at P points.

    A sample is a weighted sum of four waypoints, so that digits in different styles
    are sampled together by four gathers, after their waypoints have been moved.

    Attributes:
        digits: uint8, shape (S,), the digit that each style writes.
        shares: int64, shape (S,), how often each is used, relative to its digit's other styles.
        waypoints: float32, shape (C, 2, S), x and y from -1 to 1, y down.
        towards: int64, shape (C, S), for the free end of a stroke the waypoint before it; for
            any other waypoint the waypoint itself.
        knots: int64, shape (4, P, S), the waypoints that each sample is made of.
        weights: float32, shape (4, P, S), and how much of each.
        strokes: int64, shape (P, S), the number of the stroke that each sample is of, from 0.
        width: times as wide as the waypoints say are digits, once those have been moved.
    """

    digits: NDArray[np.uint8]
    shares: NDArray[np.int64]
    waypoints: NDArray[np.float32]
    towards: NDArray[np.int64]
    knots: NDArray[np.int64]
    weights: NDArray[np.float32]
    strokes: NDArray[np.int64]
    width: float


@cache
def skeletons(hand: str = "synthetic") -> Skeletons:
    """Return the styles of one of `mlp.data.hands.HANDS` as arrays, computed once."""
    rows = [(digit, share, path) for digit, styles in HANDS[hand].items() for share, path in styles]
    parsed = [_parse(path) for _, _, path in rows]
    most = max(len(points) for points, _ in parsed)

    waypoints = np.zeros((most, 2, len(rows)), np.float32)
    towards = np.tile(np.arange(most)[:, None], len(rows))
    knots = np.zeros((4, SAMPLES, len(rows)), np.int64)
    weights = np.zeros((4, SAMPLES, len(rows)), np.float32)
    of_stroke = np.zeros((SAMPLES, len(rows)), np.int64)
    for style, (points, strokes) in enumerate(parsed):
        waypoints[: len(points), :, style] = _into_unit_box(points)
        knots[:, :, style], weights[:, :, style], of_stroke[:, style] = _sample(points, strokes)
        for end, before in _free_ends(strokes):
            towards[end, style] = before

    digits = np.array([digit for digit, _, _ in rows], np.uint8)
    shares = np.array([share for _, share, _ in rows], np.int64)
    width = WIDTHS.get(hand, 1.0)
    return Skeletons(digits, shares, waypoints, towards, knots, weights, of_stroke, width)


def _parse(path: str) -> tuple[NDArray[np.float64], list[list[int]]]:
    """Read the distinct waypoints of a style, shape (C, 2), and its strokes as rows of them."""
    rows: dict[str, int] = {}
    strokes = [[rows.setdefault(xy, len(rows)) for xy in s.split()] for s in path.split("|")]
    return np.array([xy.split(",") for xy in rows], np.float64), strokes


def _into_unit_box(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move and scale points (C, 2) so that the longer side runs from -1 to 1."""
    low, high = points.min(axis=0), points.max(axis=0)  # (2,)
    unit: NDArray[np.float64] = (2 * points - low - high) / (high - low).max()
    return unit


def _free_ends(strokes: list[list[int]]) -> list[tuple[int, int]]:
    """List each waypoint where one stroke ends and nothing else passes, with the one before it."""
    visits = [row for stroke in strokes for row in stroke]
    pairs = [pair for s in strokes for pair in ((s[0], s[1]), (s[-1], s[-2]))]
    return [(end, before) for end, before in pairs if visits.count(end) == 1]


def _sample(
    points: NDArray[np.float64], strokes: list[list[int]]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Sample all the strokes in even steps: knots and weights, both (4, P), and strokes (P,).

    Each stroke is a Catmull-Rom spline through its waypoints, which goes around smoothly where
    the stroke is closed: Catmull and Rom, "A class of local interpolating splines", 1974.
    """
    spans = []  # (4,) knots of each part of the curve, which runs from its second knot to its third
    of_stroke = []  # the stroke of each part
    for number, stroke in enumerate(strokes):
        closed = stroke[0] == stroke[-1]
        before, after = (stroke[-2], stroke[1]) if closed else (stroke[0], stroke[-1])
        padded = [before, *stroke, after]
        spans += [padded[i : i + 4] for i in range(len(stroke) - 1)]
        of_stroke += [number] * (len(stroke) - 1)
    knots = np.array(spans).T  # (4, spans)

    steps = points[knots[2]] - points[knots[1]]  # (spans, 2)
    ends = np.cumsum(np.sqrt((steps * steps).sum(axis=1)))  # (spans,) distance along the chords
    along = np.linspace(0, ends[-1], SAMPLES)  # (P,)
    span = np.minimum(np.searchsorted(ends, along), len(ends) - 1)
    starts = np.concatenate(([0.0], ends[:-1]))
    t = (along - starts[span]) / (ends - starts)[span]  # (P,) from 0 to 1 within the span

    weights = 0.5 * np.array(
        [
            t * (t * (2 - t) - 1),
            t * t * (3 * t - 5) + 2,
            t * (t * (4 - 3 * t) + 1),
            t * t * (t - 1),
        ]
    )  # (4, P), summing to 1 over the four
    return knots[:, span], weights.astype(np.float32), np.array(of_stroke)[span]
