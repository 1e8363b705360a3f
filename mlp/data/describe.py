"""A dataset in figures, and the problems in it that would spoil a training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlp.data.dataset import Split
from mlp.data.formats.splits import TEST, TRAIN, Splits

_CHUNK = 1_000  # images whose pixels are counted at once: few, as each pixel then takes eight bytes


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
        yield "mostly ink: the images may be inverted, as 0 is paper and 255 is ink"
    flat = split.images.reshape(len(split), -1)  # (N, I)
    blank = int((flat.min(axis=1) == flat.max(axis=1)).sum())
    if blank:
        yield f"{blank:,} images of one colour, with nothing to see"
    if len(set(split.labels.tolist())) > 1 and (np.diff(split.labels.astype(int)) >= 0).all():
        yield "sorted by class: train with --shuffle"
    contradictions = _contradictions(split)
    if contradictions:
        yield f"{contradictions:,} images that are there again with another label"


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
        yield f"{shared:,} test images are among the training images, pixel for pixel"


def _rows(images: NDArray[np.uint8]) -> Iterator[bytes]:
    return (image.tobytes() for image in images)
