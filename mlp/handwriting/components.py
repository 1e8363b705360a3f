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
    the row above: the two-pass algorithm of Rosenfeld & Pfaltz, Sequential Operations in Digital
    Picture Processing, JACM 13 (1966).

    Args:
        mask: bool, shape (height, width).

    Returns:
        int32, the same shape: the number of each pixel's component from 1, 0 for the background.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)  # (height, width + 1): +1 where a run starts, -1 past its end
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    first_runs = np.searchsorted(rows, np.arange(height + 1)).tolist()

    roots = _join_runs(first_runs, starts.tolist(), ends.tolist())
    numbers = np.unique(roots, return_inverse=True)[1] + 1  # (runs,)
    edges = np.zeros((height, width + 1), np.int32)
    edges[rows, starts] = numbers
    edges[rows, ends] -= numbers.astype(np.int32)
    return np.cumsum(edges, axis=1, dtype=np.int32)[:, :width]


def _join_runs(first_runs: list[int], starts: list[int], ends: list[int]) -> list[int]:
    """Join runs of adjacent rows that touch, in a union-find forest.

    Args:
        first_runs: the index of each row's first run, and the number of all runs at the end.
        starts: the column at which each run begins, row by row.
        ends: the first column past each run.

    Returns:
        For each run the index of one run that stands for its whole component.
    """
    parent = list(range(len(starts)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    for row in range(1, len(first_runs) - 1):
        above, here = first_runs[row - 1], first_runs[row]
        while above < first_runs[row] and here < first_runs[row + 1]:
            if starts[above] <= ends[here] and starts[here] <= ends[above]:
                parent[root(here)] = root(above)
            if ends[above] < ends[here]:
                above += 1
            else:
                here += 1
    return [root(run) for run in range(len(starts))]


def parts_of(labels: ComponentLabels, smallest: float = 1) -> list[Part]:
    """Make a part of each component whose longer side is ``smallest`` pixels or more.

    Args:
        labels: int32, shape (height, width), from :func:`connected_components`.
        smallest: in pixels.
    """
    rows, columns = np.nonzero(labels)
    numbers = labels[rows, columns]
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
