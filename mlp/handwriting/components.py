"""Connected regions of a mask, and the boxes around them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from mlp.handwriting.filters import Mask

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels, ``bottom`` and ``right`` just outside it."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def extent(self) -> int:
        """The longer side."""
        return max(self.height, self.width)

    def shrunk(self, scale: float) -> Box:
        """The box in a picture ``scale`` times as small, rounded outwards."""
        top, left = int(self.top / scale), int(self.left / scale)
        return Box(top, left, ceil(self.bottom / scale), ceil(self.right / scale))

    def moved(self, down: int, right: int) -> Box:
        """The box in a picture that begins so many pixels earlier."""
        return Box(self.top + down, self.left + right, self.bottom + down, self.right + right)

    def is_about(self, other: Box) -> bool:
        """Whether two boxes are one but for a tenth of their size."""
        return (self | other).extent <= 1.1 * min(self.extent, other.extent) + 4

    def __or__(self, other: Box) -> Box:
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


@dataclass(frozen=True)
class Part:
    """Strokes that are read as one: the labels of their pixels, and the box around them."""

    labels: tuple[int, ...]
    box: Box
    area: int

    def __or__(self, other: Part) -> Part:
        return Part(self.labels + other.labels, self.box | other.box, self.area + other.area)


def connected(mask: Mask) -> Labels:
    """Number the 8-connected regions of ``mask`` from 1; 0 is outside.

    Runs of each row are joined with the runs they touch in the row above: the two-pass algorithm
    of Rosenfeld & Pfaltz, Sequential Operations in Digital Picture Processing, JACM 13 (1966).
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)  # (height, width + 1): +1 where a run starts, -1 past its end
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    first = np.searchsorted(rows, np.arange(height + 1)).tolist()  # each row's first run
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    begin, end = starts.tolist(), ends.tolist()
    for row in range(1, height):
        above, here = first[row - 1], first[row]
        while above < first[row] and here < first[row + 1]:
            if begin[above] <= end[here] and begin[here] <= end[above]:
                parent[root(here)] = root(above)
            if end[above] < end[here]:
                above += 1
            else:
                here += 1

    roots = [root(run) for run in range(len(rows))]
    numbers = np.unique(roots, return_inverse=True)[1] + 1  # (runs,)
    edges = np.zeros((height, width + 1), np.int32)
    edges[rows, starts] = numbers
    edges[rows, ends] -= numbers.astype(np.int32)
    return np.cumsum(edges, axis=1, dtype=np.int32)[:, :width]


def parts_of(labels: Labels, smallest: float = 1) -> list[Part]:
    """One part for each region of ``labels`` whose longer side is ``smallest`` pixels or more."""
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
