"""Connected components of a mask, and the boxes around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlp.handwriting import constants
from mlp.handwriting.filters import Mask

ComponentLabels = NDArray[np.int32]
"""The number of each pixel's connected component, counted from 1, or 0 for the background; shape
(height, width)."""


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels; ``bottom`` and ``right`` are the first row and column outside it."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.right - self.left

    @property
    def extent(self) -> int:
        """The longer side, in pixels."""
        return max(self.height, self.width)

    def shrunk(self, scale: float) -> Box:
        """The same box in a picture ``scale`` times as small, rounded outwards."""
        top, left = int(self.top / scale), int(self.left / scale)
        return Box(top, left, ceil(self.bottom / scale), ceil(self.right / scale))

    def moved(self, down: int, right: int) -> Box:
        """The box ``down`` pixels lower and ``right`` pixels further right."""
        return Box(self.top + down, self.left + right, self.bottom + down, self.right + right)

    def is_about(self, other: Box) -> bool:
        """Whether the two boxes are the same but for about a tenth of their size."""
        smaller = min(self.extent, other.extent)
        return (self | other).extent <= constants.SAME_BOX * smaller + constants.SAME_BOX_PIXELS

    def __or__(self, other: Box) -> Box:
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


@dataclass(frozen=True)
class Part:
    """One connected component, or several that were joined with ``|``: a stroke or a digit.

    Attributes:
        labels: the numbers of its components.
        box: the rectangle around them.
        area: how many pixels they cover.
    """

    labels: tuple[int, ...]
    box: Box
    area: int

    def __or__(self, other: Part) -> Part:
        return Part(self.labels + other.labels, self.box | other.box, self.area + other.area)


class _Runs(NamedTuple):
    """Inked pixels side by side, in order, shape (runs,) each.

    Attributes:
        starts: where they begin. Places are counted through all rows in a line, each of which is a
            column wider than the mask.
        ends: the first place past each.
        numbers: of their components, counted from 1.
        step: places from one row to the next.
    """

    starts: NDArray[np.int_]
    ends: NDArray[np.int_]
    numbers: NDArray[np.int_]
    step: int


def connected_components(mask: Mask) -> ComponentLabels:
    """Number the connected components of ``mask``; diagonal neighbours are connected.

    Each row is cut into runs of inked pixels, and a run is joined with those that it touches in
    the row above: Rosenfeld & Pfaltz, Sequential Operations in Digital Picture Processing, JACM 13
    (1966), with all runs at once.

    Args:
        mask: bool, shape (height, width).

    Returns:
        int32, the same shape: the number of each pixel's component from 1, in the order of their
        first pixels; 0 for the background.
    """
    runs = _numbered_runs(mask)
    height, width = mask.shape
    edges = np.zeros(height * runs.step, np.int32)
    edges[runs.starts] = runs.numbers
    edges[runs.ends] = -runs.numbers
    labels = edges.reshape(height, runs.step)
    return np.cumsum(labels, axis=1, dtype=np.int32)[:, :width]


def count_components(mask: Mask) -> int:
    """Count what :func:`connected_components` numbers."""
    firsts = _join_runs(*_find_runs(mask), mask.shape[1] + 1)
    return int(np.count_nonzero(firsts == np.arange(len(firsts))))


def _numbered_runs(mask: Mask) -> _Runs:
    starts, ends = _find_runs(mask)
    step = mask.shape[1] + 1
    firsts = _join_runs(starts, ends, step)
    numbers = np.cumsum(firsts == np.arange(len(firsts)))[firsts]
    return _Runs(starts, ends, numbers, step)


def _find_runs(mask: Mask) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return where runs of inked pixels begin and the first place past each, in order.

    They are places in all rows in a line, of which each is one column wider than the mask.
    """
    height, width = mask.shape
    line = np.zeros(height * (width + 1) + 1, bool)
    line[:-1].reshape(height, width + 1)[:, 1:] = mask
    # Ink begins and ends by turns, since a place without any is between two rows.
    changes = np.flatnonzero(line[1:] != line[:-1])
    return changes[::2], changes[1::2]


def _join_runs(starts: NDArray[np.int_], ends: NDArray[np.int_], step: int) -> NDArray[np.int_]:
    """Join runs of adjacent rows that touch.

    Args:
        starts: from :func:`_find_runs`, shape (runs,).
        ends: the same.
        step: places from one row to the next.

    Returns:
        For each run the first of its component, shape (runs,).
    """
    low = np.searchsorted(ends, starts - step)  # the runs above that end beside it or later
    touching = np.searchsorted(starts, ends - step, side="right") - low
    firsts = _follow(np.where(touching > 0, low, np.arange(len(starts))))
    joins = np.flatnonzero(touching > 1)  # the runs that join others above
    if not len(joins):
        return firsts
    further = touching[joins] - 1
    below = np.repeat(joins, further)  # (pairs,)
    since = np.arange(1, len(below) + 1) - np.repeat(np.cumsum(further) - further, further)
    above = np.repeat(low[joins], further) + since  # (pairs,)
    while True:
        one, other = firsts[above], firsts[below]
        apart = one != other
        if not apart.any():
            return firsts
        one, other, above, below = one[apart], other[apart], above[apart], below[apart]
        np.minimum.at(firsts, np.maximum(one, other), np.minimum(one, other))
        firsts = _follow(firsts)


def _follow(nearer: NDArray[np.int_]) -> NDArray[np.int_]:
    """Go from each run to the one that it is joined to, and on to the first of all, (runs,)."""
    while True:
        firsts, nearer = nearer, nearer[nearer]
        if (firsts == nearer).all():
            return firsts


def inked_by(numbers: Sequence[int], labels: ComponentLabels) -> Mask:
    """Which pixels belong to components of these numbers; the shape of the labels."""
    own: Mask = labels == numbers[0] if len(numbers) == 1 else np.isin(labels, numbers)
    return own


def parts_in(mask: Mask, smallest: float = 1) -> list[Part]:
    """Make a part of each connected component whose longer side is ``smallest`` pixels or more.

    Args:
        mask: bool, shape (height, width).
        smallest: in pixels.
    """
    return _parts(_numbered_runs(mask), smallest)


def parts_of(labels: ComponentLabels, smallest: float = 1) -> list[Part]:
    """Make the same of components that have their numbers already.

    Args:
        labels: int32, shape (height, width), from :func:`connected_components`.
        smallest: in pixels.
    """
    starts, ends = _find_runs(labels > 0)
    step = labels.shape[1] + 1
    rows, left = np.divmod(starts, step)
    return _parts(_Runs(starts, ends, labels[rows, left].astype(np.intp), step), smallest)


def _parts(runs: _Runs, smallest: float) -> list[Part]:
    rows, first = np.divmod(runs.starts, runs.step)
    length, numbers = runs.ends - runs.starts, runs.numbers
    count = int(numbers.max(initial=0))
    top, left = (np.full(count + 1, np.iinfo(np.int32).max, np.int64) for _ in range(2))
    bottom, right = (np.zeros(count + 1, np.int64) for _ in range(2))
    np.minimum.at(top, numbers, rows)
    np.minimum.at(left, numbers, first)
    np.maximum.at(bottom, numbers, rows + 1)
    np.maximum.at(right, numbers, first + length)
    area = np.bincount(numbers, length, count + 1)
    large = np.flatnonzero(np.maximum(bottom - top, right - left) >= smallest)
    return [
        Part((n,), Box(int(top[n]), int(left[n]), int(bottom[n]), int(right[n])), int(area[n]))
        for n in large[area[large] > 0].tolist()
    ]
