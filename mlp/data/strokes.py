"""The shapes of the digits: every way of writing one is a line of waypoints for the pen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

SAMPLES = 96
"""Points along all strokes of a digit: less than one pixel apart where it is 20 pixels high."""

# One style a line: how often it is used among the styles of its digit, then its strokes. The pen
# passes smoothly through the waypoints "x,y" of a stroke; x runs right and y runs down, both on
# any scale, since the drawing is fitted into its box later. " | " ends a stroke. Waypoints written
# with the same coordinates are one point and stay together however it is pushed around: starting
# a stroke where another ended makes a corner, ending one where it began makes a closed loop.
STYLES: dict[int, tuple[tuple[int, str], ...]] = {
    0: (
        (4, "45,0 15,12 0,50 15,88 45,100 75,88 90,50 75,12 45,0"),
        (4, "32,0 10,14 0,50 10,86 32,100 54,86 64,50 54,14 32,0"),
        (3, "62,8 40,2 15,22 4,55 14,88 38,100 64,82 76,50 68,18 46,4"),
        (2, "70,20 50,2 22,14 4,48 10,84 36,100 66,88 80,52 74,20 52,10 34,22"),
        (2, "30,4 10,28 2,64 18,96 48,96 74,68 80,32 66,6 40,0 22,12"),
        (1, "50,0 24,6 2,30 0,62 20,84 56,84 82,64 90,34 78,10 50,0"),
    ),
    1: (
        (8, "50,0 50,50 50,100"),
        (2, "54,0 48,50 52,100"),
        (2, "46,0 53,50 49,100"),
        (2, "30,22 42,12 52,0 | 52,0 51,50 50,100"),
        (1, "24,24 52,0 | 52,0 51,50 50,100 | 20,100 50,100 82,99"),
        (1, "50,0 50,50 50,100 | 30,100 50,100 70,100"),
    ),
    2: (
        (4, "8,22 22,4 48,0 68,16 64,42 38,72 6,98 | 6,98 40,97 80,96"),
        (4, "8,20 28,2 56,4 66,26 52,58 26,88 6,94 4,82 22,76 48,88 84,96"),
        (3, "4,16 30,0 62,8 66,34 46,64 16,92 | 16,92 34,86 54,96 86,92"),
        (2, "10,34 16,8 42,0 64,16 60,46 34,80 4,100 | 4,100 44,92 82,100"),
        (2, "8,16 34,0 58,14 46,46 14,76 2,68 14,56 50,72 110,76"),
        (3, "12,14 34,0 60,8 62,32 44,66 18,98 2,92 0,70 16,52 50,56 84,66"),
        (3, "10,10 34,0 58,12 54,44 32,82 10,100 0,84 10,58 40,54 84,50"),
        (3, "6,16 32,0 60,12 52,50 26,84 4,100 | 4,100 40,88 86,80"),
    ),
    3: (
        (4, "8,12 32,0 60,10 58,34 28,46 | 28,46 62,54 72,76 50,98 18,98 0,86"),
        (3, "6,10 36,0 60,16 50,38 24,48 58,56 68,78 42,100 4,92"),
        (2, "4,4 34,2 64,2 | 64,2 48,22 30,42 | 30,42 64,52 70,78 44,100 4,92"),
        (2, "10,18 30,2 56,8 56,30 34,46 26,46 34,44 64,58 66,84 38,100 6,88"),
        (2, "2,16 36,0 66,14 54,40 30,50 20,46 30,42 58,54 70,76 50,96 16,98 2,84"),
        (2, "4,6 38,0 66,8 60,30 34,44 | 34,44 54,58 54,82 32,100 4,98"),
    ),
    4: (
        (4, "12,0 8,26 4,52 | 4,52 36,52 74,46 | 66,2 62,50 58,100"),
        (3, "14,4 6,30 10,50 32,56 58,46 | 66,0 62,46 58,100"),
        (3, "16,0 4,40 | 4,40 36,44 78,36 | 64,10 58,54 52,100"),
        (2, "52,0 26,32 2,66 | 2,66 40,66 84,64 | 54,0 54,50 54,100"),
        (2, "58,2 30,30 4,60 | 4,60 44,58 82,56 | 64,24 60,60 58,100"),
        (2, "8,8 6,34 18,50 46,48 64,30 68,4 | 68,4 66,40 62,100"),
        (1, "56,0 30,28 6,52 | 6,52 34,54 64,48 | 56,0 60,48 58,100"),
    ),
    5: (
        (4, "20,2 16,24 12,44 | 12,44 36,38 62,54 64,80 40,100 4,94 | 20,2 46,2 76,0"),
        (3, "78,0 46,4 18,6 | 18,6 14,26 10,44 | 10,44 40,42 62,60 56,88 26,100 2,92"),
        (2, "24,4 14,22 22,40 48,52 58,74 42,96 8,98 | 24,4 54,6 86,0"),
        (2, "88,2 58,4 30,6 | 30,6 24,26 20,44 | 20,44 46,52 50,76 30,98 0,96"),
        (2, "70,2 40,2 24,18 20,36 36,46 56,58 60,80 38,100 6,90"),
        (2, "16,8 12,28 10,50 | 10,50 34,40 60,52 66,76 46,98 18,100 0,86 | 16,8 70,6"),
    ),
    6: (
        (4, "52,0 28,18 8,50 4,80 22,100 48,94 58,74 44,58 20,64 6,82"),
        (4, "40,0 18,30 4,66 14,98 40,96 50,76 36,62 14,70 6,84"),
        (3, "20,0 8,30 2,64 10,92 34,100 54,84 48,64 28,62 8,80"),
        (3, "36,0 16,24 4,58 10,90 34,100 54,84 50,62 28,58 10,74"),
        (2, "30,0 10,40 6,80 24,100 60,92 74,72 54,60 28,72 14,92"),
        (2, "34,0 14,36 2,74 16,98 34,90 34,74 20,70 6,80"),
        (2, "70,0 34,32 4,72 10,92 36,94 52,76 40,62 14,72"),
        (2, "10,0 6,40 8,84 36,100 64,84 58,64 34,62 12,82"),
    ),
    7: (
        (4, "4,8 34,6 68,2 | 68,2 54,34 44,64 36,100"),
        (3, "2,4 32,4 62,4 72,14 58,44 42,70 30,100"),
        (2, "4,20 6,6 36,6 70,2 | 70,2 56,34 46,66 40,100"),
        (2, "4,6 36,6 70,2 | 70,2 52,40 32,100 | 22,56 46,52 72,50"),
        (2, "2,14 24,4 50,8 70,2 | 70,2 60,30 52,62 50,100"),
        (2, "0,28 12,8 36,4 60,12 62,36 54,66 46,100"),
    ),
    8: (
        (4, "60,12 38,0 16,10 14,28 36,46 58,66 58,88 34,100 10,88 12,66 36,46 58,30 60,12"),
        (3, "66,10 40,0 18,14 24,36 46,54 54,78 36,100 12,90 10,70 32,48 56,30 68,8"),
        (2, "36,0 14,10 12,32 36,44 58,32 58,10 36,0 | 36,44 8,58 6,86 34,100 62,86 62,58 36,44"),
        (2, "30,46 14,30 20,8 44,0 60,14 52,34 30,46 8,64 4,88 26,100 48,90 50,68 30,46"),
        (2, "76,4 50,0 22,10 22,28 44,48 52,70 40,94 14,98 4,82 20,60 48,40 72,16"),
        (2, "50,8 30,0 16,16 26,38 36,58 38,84 24,100 12,84 20,58 40,38 52,20 50,8"),
        (2, "58,14 36,0 10,10 12,34 38,42 58,14 | 38,42 24,64 20,92 38,100 48,84 44,60 38,42"),
        (1, "60,20 40,0 10,12 20,36 46,60 44,92 24,98 16,80 32,54 62,34 64,18"),
    ),
    9: (
        (4, "60,14 38,0 12,10 4,34 20,48 44,40 60,14 | 60,14 58,50 52,100"),
        (3, "58,10 32,2 8,20 10,42 34,46 54,28 58,10 | 58,10 62,40 50,76 34,100"),
        (3, "58,4 28,4 6,24 16,42 40,38 58,14 | 62,2 54,50 46,100"),
        (2, "62,8 34,2 8,16 6,38 28,46 54,32 62,8 | 62,8 60,44 58,72 40,98 10,94"),
        (2, "70,4 40,2 12,16 6,38 26,46 54,34 70,4 | 66,10 50,52 30,100"),
        (3, "46,10 20,6 4,26 18,42 44,32 62,6 | 62,6 52,50 36,100"),
        (3, "40,0 14,14 4,34 18,48 42,38 60,18 | 60,18 52,60 44,100"),
        (3, "64,0 28,6 6,26 18,42 40,36 56,14 | 56,14 48,56 44,100"),
    ),
}


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
    """

    digits: NDArray[np.uint8]
    shares: NDArray[np.int64]
    waypoints: NDArray[np.float32]
    towards: NDArray[np.int64]
    knots: NDArray[np.int64]
    weights: NDArray[np.float32]


@cache
def skeletons() -> Skeletons:
    """Return the table above as arrays, computed once."""
    rows = [(digit, share, path) for digit, styles in STYLES.items() for share, path in styles]
    parsed = [_parse(path) for _, _, path in rows]
    most = max(len(points) for points, _ in parsed)

    waypoints = np.zeros((most, 2, len(rows)), np.float32)
    towards = np.tile(np.arange(most)[:, None], len(rows))
    knots = np.zeros((4, SAMPLES, len(rows)), np.int64)
    weights = np.zeros((4, SAMPLES, len(rows)), np.float32)
    for style, (points, strokes) in enumerate(parsed):
        waypoints[: len(points), :, style] = _into_unit_box(points)
        knots[:, :, style], weights[:, :, style] = _sample(points, strokes)
        for end, before in _free_ends(strokes):
            towards[end, style] = before

    digits = np.array([digit for digit, _, _ in rows], np.uint8)
    shares = np.array([share for _, share, _ in rows], np.int64)
    return Skeletons(digits, shares, waypoints, towards, knots, weights)


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
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the knots and weights, both (4, P), of samples in even steps along all the strokes.

    Each stroke is a Catmull-Rom spline through its waypoints, which goes around smoothly where
    the stroke is closed: Catmull and Rom, "A class of local interpolating splines", 1974.
    """
    spans = []  # (4,) knots of each part of the curve, which runs from its second knot to its third
    for stroke in strokes:
        closed = stroke[0] == stroke[-1]
        before, after = (stroke[-2], stroke[1]) if closed else (stroke[0], stroke[-1])
        padded = [before, *stroke, after]
        spans += [padded[i : i + 4] for i in range(len(stroke) - 1)]
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
    return knots[:, span], weights.astype(np.float32)
