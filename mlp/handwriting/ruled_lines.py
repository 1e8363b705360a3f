"""Printed lines and squares, told from handwriting by running right across the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp.handwriting.filters import Plane, sliding_max

STRIPS = 32  # columns are averaged in this many strips before lines are looked for
STEEPEST = 0.1  # rise over width: about six degrees either way
SMALLEST = 100  # pixels: in a smaller picture a digit may span as much as a ruling
THICK = 0.6  # a line is a stroke if this share of its ink is thicker than a ruling
SPAN = 0.15  # a ruling may be hidden or faded in this share of the strips


def without_rulings(ink: Plane) -> Plane:
    """Take lines that cross the whole picture, near level or near upright, off the ink.

    Args:
        ink: float32, shape (height, width).

    Returns:
        The same shape; where a stroke crosses a line, the stroke is kept or bridged.
    """
    if min(ink.shape) < SMALLEST:
        return ink
    level = _without_level_lines(ink)
    return _without_level_lines(level.T).T


def _without_level_lines(ink: Plane) -> Plane:
    cleaned = ink.copy()
    for row, rise in _find_lines(ink):
        _erase(cleaned, ink, row, rise)
    return cleaned


def _find_lines(ink: Plane) -> list[tuple[int, int]]:
    """Each line's row at the left edge and its rise, in pixels, to the right edge.

    A path across the strips is a line if even its faintest strips, but for a few, hold more ink
    than paper does. This is a Hough transform with a low quantile in place of the sum, so that a
    short dark stroke cannot pass for a long faint line.
    """
    height, width = ink.shape
    edges = np.linspace(0, width, STRIPS + 1).astype(int)
    strips = np.add.reduceat(ink, edges[:-1], axis=1)
    profile = (strips / np.diff(edges)).astype(np.float32)  # (height, STRIPS)
    centres = (edges[:-1] + edges[1:]) / (2 * width)  # (STRIPS,), from 0 to 1

    steepest = int(STEEPEST * width)
    rises = np.arange(-steepest, steepest + 1, 2)
    rows = np.arange(-steepest, height + steepest)  # a slanting line may enter from above or below
    thick = _opening(profile, 2 * _reach(ink) + 1)
    strength = np.zeros((len(rises), len(rows)), np.float32)
    faint = int(SPAN * STRIPS)
    beyond = np.full((1, STRIPS), 2, np.float32)  # more than any ink, so never among the faintest
    profile = np.concatenate([profile, beyond])
    for index, rise in enumerate(rises):
        path = rows[:, None] + np.round(rise * centres).astype(int)  # (rows, STRIPS)
        inside = (path >= 0) & (path < height)
        values = profile[np.where(inside, path, height), np.arange(STRIPS)]
        strength[index] = np.partition(values, faint, axis=1)[:, faint]
        strength[index, inside.mean(axis=1) < 0.5] = 0

    paper = float(np.median(strength))
    spread = float(np.median(np.abs(strength - paper))) * 1.4826 + 1e-3
    threshold = max(paper + 5 * spread, 0.02)
    lines = _peaks(strength, rows, rises, threshold)
    return [line for line in lines if _is_thin(profile, thick, line, centres)]


def _is_thin(
    profile: Plane, thick: Plane, line: tuple[int, int], centres: NDArray[np.float64]
) -> bool:
    """Whether most of a line's ink is narrow: a pen's stroke across a tight picture is not."""
    path = (line[0] + np.round(line[1] * centres).astype(int)).clip(0, len(thick) - 1)
    at = path, np.arange(STRIPS)
    return float(np.median(thick[at])) < THICK * float(np.median(profile[at]))


def _opening(profile: Plane, size: int) -> Plane:
    """What of a profile's ink is at least ``size`` rows thick."""
    return sliding_max(-sliding_max(-profile, size, 0), size, 0)


def _peaks(
    strength: Plane, rows: NDArray[np.int_], rises: NDArray[np.int_], threshold: float
) -> list[tuple[int, int]]:
    """The strongest line, then the strongest that is not the same one again, and so on."""
    at_rise, at_row = np.nonzero(strength >= threshold)
    strengths = strength[at_rise, at_row]
    left = rows[at_row]
    right = left + rises[at_rise]
    lines = []
    while len(strengths):
        best = int(strengths.argmax())
        row, rise = int(left[best]), int(right[best] - left[best])
        lines.append((row, rise))
        # The same line, a little off, crosses this one somewhere inside the picture.
        above_left, above_right = left - row, right - (row + rise)
        near = np.minimum(np.abs(above_left), np.abs(above_right)) <= 3
        other = ~(near | (above_left * above_right < 0))
        strengths, left, right = strengths[other], left[other], right[other]
    return lines


def _reach(ink: Plane) -> int:
    """Half the width of the widest ruling, in pixels."""
    longer: int = max(ink.shape)
    return max(2, round(longer / 250))


def _erase(cleaned: Plane, ink: Plane, row: int, rise: int) -> None:
    """Remove one line in place, leaving strokes that are darker than it or pass through it."""
    height, width = ink.shape
    reach = _reach(ink)
    path = row + np.round(rise * np.arange(width) / width).astype(int)  # (width,)
    offsets = np.arange(-reach, reach + 1)[:, None]
    band = (path + offsets).clip(0, height - 1)  # (2 * reach + 1, width)
    columns = np.arange(width)

    pixels = cleaned[band, columns]
    usual = np.median(pixels, axis=1, keepdims=True)  # the line's own ink, by offset
    usual = sliding_max(usual, 3, 0)  # as the path may be a pixel off for part of its way
    line = usual.max()
    kept = np.where(pixels > 2 * line, pixels, np.maximum(pixels - 1.5 * usual, 0) * 0.5)
    above = cleaned[(path - reach - 1).clip(0, height - 1), columns]
    below = cleaned[(path + reach + 1).clip(0, height - 1), columns]
    bridge = np.minimum(_widen(above), _widen(below))  # (width,)
    cleaned[band, columns] = np.maximum(kept, np.minimum(bridge, pixels))


def _widen(row: Plane) -> Plane:
    """The largest of each value and its two neighbours: a stroke may cross at a slant."""
    wide = np.pad(row, 1, mode="edge")
    return np.maximum(np.maximum(wide[:-2], wide[2:]), row)
