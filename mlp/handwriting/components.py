"""Connected components of a mask, and the boxes around them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

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
    height, width = mask.shape
    starts, ends = _find_runs(mask)  # (runs,)
    firsts = _join_runs(starts, ends, width + 1)
    numbers = np.cumsum(firsts == np.arange(len(firsts)), dtype=np.int32)[firsts]  # (runs,)
    edges = np.zeros(height * (width + 1), np.int32)
    edges[starts] = numbers
    edges[ends] = -numbers
    labels = edges.reshape(height, width + 1)
    return np.cumsum(labels, axis=1, dtype=np.int32)[:, :width]


def count_components(mask: Mask) -> int:
    """Count what :func:`connected_components` numbers."""
    firsts = _join_runs(*_find_runs(mask), mask.shape[1] + 1)
    return int(np.count_nonzero(firsts == np.arange(len(firsts))))


def _find_runs(mask: Mask) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return where runs of inked pixels begin and the first place past each, in order.

    They are places in all rows in a line, of which each is one column wider than the mask.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), bool)
    padded[:, 1:-1] = mask
    # Ink begins and ends by turns, since each row ends in none.
    changes = np.flatnonzero(padded[:, 1:] != padded[:, :-1])
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
    high = np.searchsorted(starts, ends - step, side="right")
    touching = np.maximum(high - low, 0)
    below = np.repeat(np.arange(len(starts)), touching)  # (pairs,)
    since = np.arange(len(below)) - np.repeat(np.cumsum(touching) - touching, touching)
    above = np.repeat(low, touching) + since  # (pairs,)
    firsts = np.arange(len(starts))
    while True:
        one, other = firsts[above], firsts[below]
        apart = one != other
        if not apart.any():
            return firsts
        one, other, above, below = one[apart], other[apart], above[apart], below[apart]
        np.minimum.at(firsts, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(nearer := firsts[firsts], firsts):
            firsts = nearer


def parts_of(labels: ComponentLabels, smallest: float = 1) -> list[Part]:
    """Make a part of each component whose longer side is ``smallest`` pixels or more.

    Args:
        labels: int32, shape (height, width), from :func:`connected_components`.
        smallest: in pixels.
    """
    inked = np.flatnonzero(labels)
    numbers = labels.ravel()[inked].astype(np.intp)
    rows, columns = np.divmod(inked, labels.shape[1])
    count = int(numbers.max(initial=0))
    top, left = (np.full(count + 1, np.iinfo(np.int32).max, np.int64) for _ in range(2))
    bottom, right = (np.zeros(count + 1, np.int64) for _ in range(2))
    np.minimum.at(top, numbers, rows)
    np.minimum.at(left, numbers, columns)
    np.maximum.at(bottom, numbers, rows + 1)
    np.maximum.at(right, numbers, columns + 1)
    area = np.bincount(numbers, minlength=count + 1)
    large = np.flatnonzero(np.maximum(bottom - top, right - left) >= smallest)
    return [
        Part((n,), Box(int(top[n]), int(left[n]), int(bottom[n]), int(right[n])), int(area[n]))
        for n in large[area[large] > 0].tolist()
    ]
