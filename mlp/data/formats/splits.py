"""The splits that a file or folder of images holds, which need not make a whole dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mlp.common.errors import DataError
from mlp.data.dataset import Dataset, Split

TRAIN, TEST, WHOLE = "train", "test", "all"

Splits = dict[str, Split]
"""Either a ``train`` and a ``test`` split, or ``all`` alone where there is no division."""

Progress = Callable[[int, int], None]
"""Called from time to time with the number of images done, and of all images."""


def check_splits(splits: Splits, source: Path, classes: int) -> None:
    """Refuse splits that are empty, hold labels outside the classes or differ in image size.

    Raises:
        DataError: with the first fault.
    """
    for name, split in splits.items():
        if not len(split) or not split.images[0].size:
            raise DataError(f"the split {name} of {source} holds no images: get it again")
        if int(split.labels.max()) >= classes:
            row = int((split.labels >= classes).argmax())
            raise DataError(
                f"image {row + 1:,} of the split {name} of {source} has the label "
                f"{split.labels[row]}, outside the classes 0 to {classes - 1}: correct it, or "
                "say how many classes there are"
            )
    sizes = {split.images.shape[1:] for split in splits.values()}
    if len(sizes) > 1:
        raise DataError(
            f"the splits of {source} have images of different sizes "
            f"({' and '.join(f'{h} x {w}' for h, w in sorted(sizes))}): they do not belong together"
        )


def as_dataset(splits: Splits, source: Path, classes: int) -> Dataset:
    """Make a dataset of a training and a test split.

    Raises:
        DataError: if there are not both a training and a test split.
    """
    if splits.keys() != {TRAIN, TEST}:
        raise DataError(
            f"{source} holds one set of images, but a dataset needs training and test images: "
            "put both into one folder, as train.csv and test.csv or train/ and test/"
        )
    return Dataset(source.stem, str(source), classes, splits[TRAIN], splits[TEST])
