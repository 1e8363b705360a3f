"""A dataset: a training and a test split, each of images and labels."""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError, UsageError
from mlp.common.rng import generator
from mlp.data.inputs import Inputs, Pixels
from mlp.data.task import Task

MOST_COPIED = 256 << 20
"""The most bytes of a mapped file's images that are copied into memory at a time."""


_PART = 2_000  # rows written at a time

_LABELS = ((1, "uint8"), (1, "uint16"), (2, "uint8"), (2, "float32"), (2, "float64"))
_FLOATS = ("float32", "float64")


@dataclass(frozen=True)
class Split:
    """Images, or columns of numbers, with their labels, on the host.

    Attributes:
        images: uint8, shape (N, height, width), 0 is paper and 255 is ink; or columns that a
            network reads as they are, float32 or float64, shape (N, I); or images of floats.
        labels: uint8 or, of more than 256 classes, uint16, shape (N,), each below the dataset's
            number of classes; or 0 and 1, uint8 of shape (N, L), the answers to L questions; or
            L real numbers to estimate, float32 or float64 of shape (N, L).
        weights: how much each counts in the loss, floats of at least 0, shape (N,); None where
            all count alike.

    Raises:
        DataError: if a shape or dtype is not as above, or the counts differ.
    """

    images: NDArray[Any]
    labels: NDArray[Any]
    weights: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        are_floats = self.images.dtype.name in _FLOATS and self.images.ndim in (2, 3)
        if not are_floats and (self.images.ndim, self.images.dtype.name) != (3, "uint8"):
            raise DataError(
                f"images must be uint8 of shape (count, height, width), or floats of shape "
                f"(count, columns), not {self.images.dtype} of shape {self.images.shape}"
            )
        if (self.labels.ndim, self.labels.dtype.name) not in _LABELS:
            raise DataError(
                f"labels must be uint8 or uint16 of shape (count,), uint8 of shape (count, "
                f"questions) or float32 of shape (count, numbers), "
                f"not {self.labels.dtype} of shape {self.labels.shape}"
            )
        if len(self.images) != len(self.labels):
            raise DataError(
                f"there are {len(self.images):,} images but {len(self.labels):,} labels: "
                f"check that both files belong together"
            )

    def __repr__(self) -> str:
        if self.images.ndim == 2:
            return f"Split({len(self):,} rows of {self.images.shape[1]:,} columns)"
        count, height, width = self.images.shape
        return f"Split({count:,} images of {height} x {width} pixels)"

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: slice) -> Split:
        weights = None if self.weights is None else self.weights[rows]
        return Split(self.images[rows], self.labels[rows], weights)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the images."""
        return self.images.shape

    def parts(self) -> Iterator[Split]:
        """Cut it into parts that are small enough to be worked on; an empty one is one part."""
        for start in range(0, max(1, len(self)), _PART):
            yield self[start : start + _PART]

    @cached_property
    def checksum(self) -> str:
        """The sha256, in hexadecimal, of the images', the labels' and any weights' bytes."""
        digest = hashlib.sha256()
        digest.update(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        if self.weights is not None:
            digest.update(np.ascontiguousarray(self.weights).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Dataset:
    """A training and a test split over the same classes.

    Attributes:
        name: its name in results and model files, such as ``"mnist"``.
        source: where the bytes came from, for messages.
        classes: the number of classes, or of questions; the width of a network's output.
        train: what the network learns from.
        test: what a network's accuracy is measured on; never trained on.
        task: what the labels mean.
        validation_start: the first training image that may be held out for validation. Where
            datasets are joined, the first dataset's images come last; they resemble the test
            images.
        inputs: how the values of the files became those of the splits.
        is_one_set: whether the test split was drawn from the same set as the training split.
        origin: what `mlp.data.load.load_dataset` finds it by; empty where it is of no file.
        reading: the choices in reading it that are not the defaults of `mlp.data.reading.Reading`.

    Raises:
        DataError: if a label is not below ``classes`` or the image sizes of the splits differ.
    """

    name: str
    source: str
    classes: int
    train: Split
    test: Split
    task: Task = field(default_factory=Task)
    validation_start: int = 0
    inputs: Inputs = field(default_factory=Pixels)
    is_one_set: bool = False
    origin: str = ""
    reading: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for split_name, split in (("training", self.train), ("test", self.test)):
            if len(split) == 0:
                raise DataError(
                    f"the {split_name} split of {self.source} holds no images: get it again"
                )
            limit = self.classes if self.task.kind == "multiclass" else 2
            if split.labels.dtype.kind == "u" and int(split.labels.max()) >= limit:
                row = int(split.labels.reshape(len(split), -1).max(axis=1).argmax())
                raise DataError(
                    f"{split_name} label {row} of {self.source} is {split.labels[row]}, "
                    f"but labels run from 0 to {limit - 1} here: correct it or get it again"
                )
        if self.train.images.shape[1:] != self.test.images.shape[1:]:
            raise DataError(
                f"training images of {self.source} are {self.train.images.shape[1:]} pixels "
                f"but test images {self.test.images.shape[1:]}: they do not belong together, so "
                "get both from one place"
            )

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name!r}, classes={self.classes}, train={self.train}, test={self.test})"
        )

    @property
    def called(self) -> str:
        """What its examples are in a sentence: images or rows."""
        return "images" if self.train.images.ndim == 3 else "rows"

    @property
    def pixels(self) -> int:
        """The number of pixels of one image, or of columns: the width of a network's input."""
        return math.prod(self.train.images.shape[1:])


def all_as_test(dataset: Dataset) -> Dataset:
    """Take the rows that were held out of one set, and those that were not, as the test split."""
    train, test = dataset.train, dataset.test
    both = Split(
        np.concatenate([train.images, test.images]), np.concatenate([train.labels, test.labels])
    )
    return replace(dataset, test=both)


def hold_out(dataset: Dataset, validation: float, seed: int) -> tuple[Split, Split]:
    """Hold training images out for validation, drawn at random.

    Where each image has one class, or one answer, every class is held out in the same proportion,
    to within one image. The images of both splits stay in the order in which they lie. They are
    drawn on the host, so that a seed holds out the same images on every device.

    Args:
        dataset: its training split is divided, from `Dataset.validation_start` on, or from 0 on if
            that leaves too few.
        validation: how many to hold out: a share of all training images if below 1, else a count.
        seed: of the draw.

    Returns:
        The images to train on, and those held out.

    Raises:
        UsageError: if none is left to train on.
        DataError: if mapped images are divided, and there is no room for a temporary file.
    """
    split, N = dataset.train, len(dataset.train)
    count = round(validation * N) if validation < 1 else int(validation)
    if count >= N:
        raise UsageError(
            f"a validation split of {count:,} leaves nothing of {N:,} training images: "
            "hold out fewer"
        )
    if count == 0:
        return split, split[N:]
    start = dataset.validation_start if count <= N - dataset.validation_start else 0
    held_out = np.zeros(N, bool)
    drawn = evenly_drawn(split.labels[start:], count, generator(seed, "validation"))
    held_out[start + drawn] = True
    return take_rows(split, np.flatnonzero(~held_out)), take_rows(split, np.flatnonzero(held_out))


def evenly_drawn(labels: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw rows at random, of each class, or of each range of one number, in the same proportion.

    Args:
        labels: of all rows, shape (N,) or (N, L); several answers or numbers decide nothing.
        count: how many to draw, at most N.
        rng: draws.

    Returns:
        The rows, shape (count,).
    """
    rows = rng.permutation(len(labels))
    if labels.ndim == 1 or labels.shape[1] == 1:
        rows = rows[np.argsort(labels.reshape(-1)[rows], kind="stable")]
    # Evenly spaced: each class, whose rows are now side by side, gets its share.
    return rows[(2 * np.arange(count) + 1) * len(rows) // (2 * count)]


def take_rows(split: Split, rows: NDArray[np.int64]) -> Split:
    """Copy some rows; those of a large mapped file into a temporary file, which is mapped again.

    Scattered rows have no view, and a copy could be larger than the memory. The temporary file
    takes one pass over the data and is deleted with the split.
    """
    images, shape = split.images, (len(rows), *split.images.shape[1:])
    size = math.prod(shape) * images.itemsize
    weights = None if split.weights is None else split.weights[rows]
    if not isinstance(images, np.memmap) or size <= MOST_COPIED:
        return Split(images[rows], split.labels[rows], weights)
    step = max(1, MOST_COPIED // (size // len(rows)))
    try:
        with ExitStack() as stack:
            file = stack.enter_context(tempfile.TemporaryFile())
            for start in range(0, len(rows), step):
                file.write(images[rows[start : start + step]].data)
            file.flush()
            copied = np.memmap(file, images.dtype, "r", shape=shape)
            # What another process of this machine maps it by, while it is open.
            copied.filename = f"/proc/{os.getpid()}/fd/{file.fileno()}"
            weakref.finalize(copied, stack.pop_all().close)
            return Split(copied, split.labels[rows], weights)
    except OSError as error:
        raise DataError(
            f"a validation split of images that are not read into memory takes {size:,} bytes in "
            f"{tempfile.gettempdir()} ({error.strerror or error}): make room there, name a larger "
            "folder in the environment variable TMPDIR, or train without a validation split"
        ) from None
