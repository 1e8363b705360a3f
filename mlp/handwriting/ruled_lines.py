"""Printed lines and squares, told from handwriting by running right across the picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mlp.handwriting import constants
from mlp.handwriting.filters import Plane, sliding_max


class Line(NamedTuple):
    """A nearly level line across the picture.

    Attributes:
        row: where it begins, at the left edge.
        rise: how many rows lower it ends, at the right edge.
    """

    row: int
    rise: int


def remove_ruled_lines(ink: Plane) -> Plane:
    """Remove the ink of lines that cross the whole picture, near level or near upright.

    Args:
        ink: float32, shape (height, width).

    Returns:
        The same shape; where a stroke crosses a line, the stroke is kept or bridged.
    """
    if min(ink.shape) < constants.SMALLEST_RULED:
        return ink
    level = _remove_level_lines(ink)
    upright = level.T
    cleaned = _remove_level_lines(upright)
    return level if cleaned is upright else cleaned.T


def _remove_level_lines(ink: Plane) -> Plane:
    lines = _find_lines(ink)
    if not lines:
        return ink
    cleaned = ink.copy()
    for line in lines:
        _erase(cleaned, ink, line)
    return cleaned


def _find_lines(ink: Plane) -> list[Line]:
    """The lines of the paper, without pens' strokes that are as long."""
    edges = np.linspace(0, ink.shape[1], constants.RULE_STRIPS + 1).astype(int)
    strips = np.add.reduceat(ink, edges[:-1], axis=1)
    profile = (strips / np.diff(edges)).astype(np.float32)  # (height, strips)
    centres = (edges[:-1] + edges[1:]) / (2 * ink.shape[1])  # (strips,), from 0 to 1
    steepest = int(constants.RULE_STEEPEST * ink.shape[1])
    if _is_bare(profile, steepest):
        return []
    rises = np.arange(-steepest, steepest + 1, constants.RULE_RISE_STEP)
    # A slanting line may enter from above or below the picture.
    rows = np.arange(-steepest, ink.shape[0] + steepest)
    strength = _strengths(profile, centres, rows, rises)
    thick = _opening(profile, 2 * _reach(ink) + 1)
    lines = _peaks(strength, rows, rises)
    lines = [line for line in lines if _is_thin(profile, thick, line, centres)]
    if lines and _spread(lines) <= 2 * _reach(ink) and all(_ends_inside(ink, L) for L in lines):
        return []  # the stem of a digit that fills the frame
    return lines


def _is_bare(profile: Plane, steepest: int) -> bool:
    """Whether so many strips are without ink that any path is hidden in more than it may be.

    A path that is cut off above or below keeps near that edge, and passes fewer strips: there look
    at each stretch of as few as a line has inside.
    """
    count = profile.shape[1]
    hidden = int(constants.RULE_HIDDEN * count)
    faint = profile.max(axis=0) < constants.RULE_FAINTEST  # (strips,)
    if np.count_nonzero(faint) <= hidden:
        return False
    rims = profile[: steepest + 1], profile[-steepest - 1 :]
    faint = np.maximum(*(rim.max(axis=0) for rim in rims)) < constants.RULE_FAINTEST
    stretches = sliding_window_view(faint, int(constants.RULE_INSIDE * count))
    return bool(stretches.sum(axis=1).min() > hidden)


def _strengths(
    profile: Plane, centres: NDArray[np.float64], rows: NDArray[np.int_], rises: NDArray[np.int_]
) -> Plane:
    """How much ink every possible line has in all strips but those where it may be hidden.

    This is a Hough transform with a low quantile in place of the sum, so that a short dark stroke
    cannot pass for a long faint line.

    Args:
        profile: float32, shape (height, strips): the mean ink of each strip's rows.
        centres: shape (strips,): the strips' middles, from 0 to 1.
        rows: those at which a line may begin.
        rises: those that a line may have.

    Returns:
        float32, shape (rises, rows).
    """
    count = profile.shape[1]
    starts = np.round(rises[:, None] * centres).astype(int) - int(rows[0])  # (rises, strips)
    # Outside the picture there is more ink than there can be, so it is never among the faintest.
    beyond = -2 * int(rows[0])
    padded = np.full((count, len(profile) + 2 * beyond), 2, np.float32)
    padded[:, beyond : beyond + len(profile)] = profile.T
    # Paths of one rise from all rows meet a strip in consecutive rows: a window of it.
    inks = sliding_window_view(padded, len(rows), axis=1)  # (strips, starts, rows)
    strengths = np.empty((len(rises), len(rows)), np.float32)
    step = max(1, _CACHED // len(rows))
    for first in range(0, len(rises), step):
        strengths[first : first + step] = _faint_ink(inks, starts[first : first + step])
    return strengths


_CACHED = 1 << 14
"""Paths that are looked at a time, so that they stay in a core's cache."""


def _faint_ink(inks: NDArray[np.float32], starts: NDArray[np.int_]) -> Plane:
    """Return the least ink of paths but for the strips in which they may be hidden.

    Args:
        inks: by strip, by where the paths of one rise begin in it, and by row.
        starts: where those of some rises begin, shape (rises, strips).

    Returns:
        float32, shape (rises, rows); 0 where too little of a path is inside the picture.
    """
    count, _, rows = inks.shape
    faintest = np.full((int(constants.RULE_HIDDEN * count) + 1, len(starts), rows), 2, np.float32)
    inside = np.zeros((len(starts), rows), np.int16)
    rest = np.empty((len(starts), rows), np.float32)
    for strip in range(count):
        ink = inks[strip, starts[:, strip]]  # (rises, rows)
        inside += ink < 2
        for fainter in faintest:  # sort it in among the faintest so far
            np.maximum(fainter, ink, out=rest)
            np.minimum(fainter, ink, out=fainter)
            ink, rest = rest, ink
    strength: Plane = faintest[-1]
    strength[inside < constants.RULE_INSIDE * count] = 0
    return strength


def _peaks(strength: Plane, rows: NDArray[np.int_], rises: NDArray[np.int_]) -> list[Line]:
    """The strongest line, then the strongest that is not the same one again, and so on."""
    at_rise, at_row = np.nonzero(strength >= _threshold(strength))
    strengths = strength[at_rise, at_row]
    left = rows[at_row]
    right = left + rises[at_rise]
    lines = []
    while len(strengths):
        best = int(strengths.argmax())
        line = Line(int(left[best]), int(right[best] - left[best]))
        lines.append(line)
        # The same line, a little off, crosses this one somewhere inside the picture.
        above_left, above_right = left - line.row, right - (line.row + line.rise)
        nearest = np.minimum(np.abs(above_left), np.abs(above_right))
        other = ~((nearest <= constants.RULE_APART) | (above_left * above_right < 0))
        strengths, left, right = strengths[other], left[other], right[other]
    return lines


def _threshold(strength: Plane) -> float:
    """The ink above which a path is a line: most paths have but the paper's grain."""
    paper = float(np.median(strength))
    # 1.4826 makes the median deviation of a normal distribution its standard deviation.
    spread = float(np.median(np.abs(strength - paper))) * 1.4826 + constants.RULE_LEAST_SPREAD
    return max(paper + constants.RULE_SPREADS * spread, constants.RULE_FAINTEST)


def _is_thin(profile: Plane, thick: Plane, line: Line, centres: NDArray[np.float64]) -> bool:
    """Whether most of a line's ink is narrow: a pen's stroke across a tight picture is not."""
    path = (line.row + np.round(line.rise * centres).astype(int)).clip(0, len(thick) - 1)
    at = path, np.arange(len(centres))
    return float(np.median(thick[at])) < constants.RULE_STROKE * float(np.median(profile[at]))


def _spread(lines: list[Line]) -> int:
    """How far apart the outermost lines are: one thick stroke may be found as several."""
    return max(
        max(ends) - min(ends)
        for ends in ([line.row for line in lines], [line.row + line.rise for line in lines])
    )


def _ends_inside(ink: Plane, line: Line) -> bool:
    """Whether a line has no ink at either edge of the picture: a printed one runs off the paper."""
    height, width = ink.shape
    path = line.row + np.round(line.rise * np.arange(width) / width).astype(int)  # (width,)
    if path.min() < 0 or path.max() >= height:
        return False
    offsets = np.arange(-_reach(ink), _reach(ink) + 1)[:, None]
    along = ink[(path + offsets).clip(0, height - 1), np.arange(width)].max(axis=0)  # (width,)
    rim = max(constants.RULE_RIM_PIXELS, round(constants.RULE_RIM * width))
    least = constants.RULE_ENDS * float(np.median(along))
    return bool(max(along[:rim].mean(), along[-rim:].mean()) < least)


def _opening(profile: Plane, size: int) -> Plane:
    """What of a profile's ink is at least ``size`` rows thick."""
    return sliding_max(-sliding_max(-profile, size, 0), size, 0)


def _reach(ink: Plane) -> int:
    """Half the width of the widest line, in pixels."""
    longer: int = max(ink.shape)
    return max(constants.RULE_THINNEST, round(constants.RULE_THICKNESS * longer))


def _erase(cleaned: Plane, ink: Plane, line: Line) -> None:
    """Remove one line in place, leaving strokes that are darker than it or pass through it."""
    height, width = ink.shape
    reach = _reach(ink)
    path = line.row + np.round(line.rise * np.arange(width) / width).astype(int)  # (width,)
    offsets = np.arange(-reach, reach + 1)[:, None]
    band = (path + offsets).clip(0, height - 1)  # (2 * reach + 1, width)
    columns = np.arange(width)

    pixels = cleaned[band, columns]
    usual = np.median(pixels, axis=1, keepdims=True)  # the line's own ink, by offset
    usual = sliding_max(usual, 3, 0)  # as the path may be a pixel off for part of its way
    beyond = np.maximum(pixels - constants.RULE_ERASED * usual, 0) * constants.RULE_REMAINDER
    kept = np.where(pixels > constants.RULE_CROSSED * usual.max(), pixels, beyond)
    above = cleaned[(path - reach - 1).clip(0, height - 1), columns]
    below = cleaned[(path + reach + 1).clip(0, height - 1), columns]
    bridge = np.minimum(_widen(above), _widen(below))  # (width,)
    cleaned[band, columns] = np.maximum(kept, np.minimum(bridge, pixels))


def _widen(row: Plane) -> Plane:
    """The largest of each value and its two neighbours: a stroke may cross at a slant."""
    wide = np.pad(row, 1, mode="edge")
    return np.maximum(np.maximum(wide[:-2], wide[2:]), row)
