"""A dataset in figures, and the problems in it that would spoil a training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.dataset import Dataset, Split
from mlp.data.evidence import FEWEST_ROWS
from mlp.data.formats.splits import TEST, TRAIN, Splits
from mlp.data.inputs import Columns
from mlp.data.scales import WIDEST_GAP

_CHUNK = 1_000  # images whose pixels are counted at once: few, as each pixel then takes eight bytes


MOST_EXAMINED = 256 << 20
"""The most bytes of a training split that are looked through before a training."""

INVERTED = "mostly ink: the images may be inverted, as 0 is paper and 255 is ink"

RARE = 10
"""A class with this many times fewer rows than another is easily overlooked."""

_NAMED = 5  # columns that a sentence names


@dataclass(frozen=True)
class SplitDescription:
    """One split in figures.

    Attributes:
        images: how many there are.
        height: of each image, in pixels.
        width: of each image, in pixels.
        class_counts: how many images each class has.
        mean: of all pixels, 0 to 1.
        std: of all pixels, about that mean.
        sha256: of the images' and the labels' bytes; see `Split.checksum`.
    """

    images: int
    height: int
    width: int
    class_counts: list[int]
    mean: float
    std: float
    sha256: str


@dataclass(frozen=True)
class Description:
    """The figures of each split, and the problems found, a sentence each."""

    splits: dict[str, SplitDescription]
    problems: list[str]


def describe_dataset(splits: Splits, classes: int | None = None) -> Description:
    """Measure each split and look for what would spoil a training run.

    Args:
        splits: each with one image or more, and every label below ``classes``.
        classes: the number of classes; as many as the largest label tells unless given.
    """
    classes = classes or 1 + max(int(split.labels.max()) for split in splits.values())
    found = {name: _describe_split(split, classes) for name, split in splits.items()}
    problems = [
        f"{name}: {problem}"
        for name, split in splits.items()
        for problem in _problems(split, found[name])
    ]
    if splits.keys() == {TRAIN, TEST}:
        problems += _leaks(splits[TRAIN], splits[TEST])
    return Description(found, problems)


def _describe_split(split: Split, classes: int) -> SplitDescription:
    N, height, width = split.images.shape
    counts = np.zeros(256, np.int64)  # of each pixel value
    for start in range(0, N, _CHUNK):
        counts += np.bincount(split.images[start : start + _CHUNK].ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = float(counts @ values / counts.sum())
    variance = float(counts @ (values - mean) ** 2 / counts.sum())
    class_counts = np.bincount(split.labels, minlength=classes).tolist()
    return SplitDescription(N, height, width, class_counts, mean, variance**0.5, split.checksum)


def _problems(split: Split, found: SplitDescription) -> Iterator[str]:
    missing = [str(label) for label, count in enumerate(found.class_counts) if not count]
    if missing:
        yield f"no images of class {', '.join(missing)}"
    if found.mean > 0.5:
        yield INVERTED
    yield from _blank(split)
    if len(set(split.labels.tolist())) > 1 and (np.diff(split.labels.astype(int)) >= 0).all():
        yield "sorted by class: train with --shuffle"
    yield from _contradicting(split)


def are_mostly_ink(split: Split) -> bool:
    """Whether images, as they are now understood, have more ink than paper."""
    images = split.images
    is_of_bytes = images.ndim == 3 and images.dtype == np.uint8 and images.size > 0
    return bool(is_of_bytes and images.mean() > 255 / 2)


def hardly_differ(split: Split) -> str | None:
    """Say that images, as they are now understood, fill hardly any of their range; None else."""
    images = split.images
    if images.ndim != 3 or images.dtype != np.uint8 or not images.size:
        return None
    low, high = int(images.min()), int(images.max())
    if not 0 < high - low <= 255 / WIDEST_GAP:
        return None
    return (
        f"all pixels are from {low} to {high} of 255, so that images hardly differ: bring them to "
        "the full range"
    )


def check_varied(dataset: Dataset) -> None:
    """Refuse training rows that are all alike, of which nothing can be learnt.

    Raises:
        DataError: saying so.
    """
    rows = dataset.train.images
    if len(rows) < 2:
        return
    for start in range(0, len(rows), _CHUNK):
        if (rows[start : start + _CHUNK] != rows[0]).any():
            return
    what = _what(dataset.train)
    raise DataError(
        f"all {len(rows):,} training {what} of {dataset.source} are alike, so that nothing can be "
        f"learnt from them: get {what} that differ"
    )


def spoilers(dataset: Dataset) -> Iterator[str]:
    """Look for what would spoil a training, as it is now understood, in a sentence each.

    Splits of more than `MOST_EXAMINED` bytes are not looked through, as that would take long.
    """
    train, test = dataset.train, dataset.test
    if train.images.nbytes + test.images.nbytes > MOST_EXAMINED:
        return
    is_of_classes = dataset.task.kind == "multiclass"
    if is_of_classes:
        counts = np.bincount(train.labels, minlength=dataset.classes)
        names = dataset.task.names_of(dataset.classes)
        missing = [name for name, count in zip(names, counts, strict=True) if not count]
        if missing:
            yield f"train: no rows of class {', '.join(missing[:_NAMED])}"
        yield from _alike(names, counts)
    if isinstance(dataset.inputs, Columns):
        constant = np.flatnonzero(np.ptp(train.images, axis=0) == 0)
        if len(constant):
            named = ", ".join(dataset.inputs.names[i] for i in constant[:_NAMED])
            more = f" and {len(constant) - _NAMED:,} more" if len(constant) > _NAMED else ""
            yield f"train: column {named}{more} never changes: leave it out with --drop"
        if is_of_classes:
            yield from _telling(dataset, dataset.inputs.names)
    elif train.images.ndim == 3:
        if are_mostly_ink(train):
            yield INVERTED
        yield from (f"train: {problem}" for problem in _blank(train))
    if is_of_classes:
        yield from (f"train: {problem}" for problem in _contradicting(train))
    yield from _leaks(train, test)


_COLUMNS = 64
"""Columns that are sorted at once: a copy of all may be larger than the memory."""


def _telling(dataset: Dataset, names: Sequence[str]) -> Iterator[str]:
    """Name the columns that have one value for each class, as another form of the label has."""
    rows, labels = dataset.train.images, dataset.train.labels
    if len(rows) < FEWEST_ROWS:
        return
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))  # (C,), of the classes there are
    if len(starts) < 2 or np.diff(starts, append=len(rows)).min() < 2:
        return  # a row that is all of its class differs in nothing from the others of it
    found: list[int] = []
    for first in range(0, rows.shape[1], _COLUMNS):
        part = rows[:, first : first + _COLUMNS][order]
        low, high = (each.reduceat(part, starts) for each in (np.minimum, np.maximum))  # (C, i)
        telling = (low == high).all(axis=0) & (np.ptp(low, axis=0) > 0)
        found += (first + np.flatnonzero(telling)).tolist()
    called = list(dict.fromkeys(names[i].partition("=")[0] for i in found))
    if called:
        more = f" and {len(called) - _NAMED:,} more" if len(called) > _NAMED else ""
        yield (
            f"train: column {', '.join(called[:_NAMED])}{more} is alike in all rows of a class: if "
            "it is the label in another form, leave it out with --drop"
        )


_COMPARED = 200
"""The names of more classes than this are not compared with one another."""


def rare_class(labels: NDArray[np.integer], names: Sequence[str]) -> str | None:
    """Say which class is rare beside another, if one is; labels of shape (N,)."""
    counts = np.bincount(labels, minlength=1)
    there = np.flatnonzero(counts)
    least, most = there[counts[there].argmin()], int(counts.argmax())
    if counts[most] < RARE * counts[least]:
        return None
    return (
        f"class {names[least]} has {counts[least]:,} rows and {names[most]} {counts[most]:,}: "
        "the rare one is easily overlooked, so try --class-weight balanced, and look at the "
        "balanced accuracy of mlp eval"
    )


def _alike(names: Sequence[str], counts: NDArray[np.integer]) -> Iterator[str]:
    """Ask whether classes are one that is written in several ways."""
    if len(names) > _COMPARED:
        return
    rows = dict(zip(names, counts.tolist(), strict=True))
    for one, other in combinations(names, 2):
        few, most = sorted((one, other), key=lambda name: rows[name])
        same = one.casefold().split() == other.casefold().split()
        letters = few.isalpha() and most.isalpha() and min(len(few), len(most)) > 3
        is_slip = (
            letters and 10 * rows[few] <= rows[most] and get_close_matches(few, [most], 1, 0.8)
        )
        if same or is_slip:
            yield (
                f"train: class {few!r} has {rows[few]:,} rows and {most!r} {rows[most]:,}: if they "
                "are one class, write it alike"
            )


def _blank(split: Split) -> Iterator[str]:
    flat = split.images.reshape(len(split), -1)  # (N, I)
    low, high = flat.min(axis=1), flat.max(axis=1)  # (N,)
    blank = int((low == high).sum())
    if blank:
        yield f"{blank:,} images of one colour, with nothing to see"
    if flat.dtype != np.uint8 or not flat.size:
        return
    most = int(high.max())
    faint = (low < high) & (WIDEST_GAP * high <= most)
    if faint.any():
        yield (
            f"{int(faint.sum()):,} images have no pixel above {high[faint].max()}, where others "
            f"reach {most} of 255: bring all of them to one range"
        )
    if (fault := hardly_differ(split)) is not None:
        yield fault


def _contradicting(split: Split) -> Iterator[str]:
    contradictions = _contradictions(split)
    if contradictions:
        yield f"{contradictions:,} {_what(split)} that are there again with another label"


def _what(split: Split) -> str:
    return "images" if split.images.ndim == 3 else "rows"


def _contradictions(split: Split) -> int:
    first: dict[bytes, int] = {}
    return sum(
        first.setdefault(row, label) != label
        for row, label in zip(_rows(split.images), split.labels.tolist(), strict=True)
    )


def _leaks(train: Split, test: Split) -> Iterator[str]:
    known = set(_rows(train.images))
    shared = sum(row in known for row in _rows(test.images))
    if shared:
        what = _what(test)
        exactly = "pixel for pixel" if what == "images" else "value for value"
        yield f"{shared:,} test {what} are among the training {what}, {exactly}"


def _rows(images: NDArray[Any]) -> Iterator[bytes]:
    return (image.tobytes() for image in images)
