"""What every source of images is turned into: two splits of images and labels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError, UsageError
from mlp.data.task import Task


@dataclass(frozen=True)
class Split:
    """Images with their labels, on the host.

    Attributes:
        images: uint8, shape (N, height, width), 0 is paper and 255 is ink.
        labels: uint8, shape (N,), each below the dataset's number of classes; or 0 and 1 of shape
            (N, L), the answers to L questions.

    Raises:
        DataError: if the shapes or dtypes are others than these, or the counts differ.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.images.ndim != 3 or self.images.dtype != np.uint8:
            raise DataError(
                f"images must be uint8 of shape (count, height, width), "
                f"not {self.images.dtype} of shape {self.images.shape}"
            )
        if self.labels.ndim not in (1, 2) or self.labels.dtype != np.uint8:
            raise DataError(
                f"labels must be uint8 of shape (count,) or (count, questions), "
                f"not {self.labels.dtype} of shape {self.labels.shape}"
            )
        if len(self.images) != len(self.labels):
            raise DataError(
                f"there are {len(self.images):,} images but {len(self.labels):,} labels: "
                f"check that both files belong together"
            )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: slice) -> Split:
        return Split(self.images[rows], self.labels[rows])

    @cached_property
    def checksum(self) -> str:
        """The sha256, in hexadecimal, of the images' and the labels' bytes."""
        digest = hashlib.sha256()
        digest.update(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Dataset:
    """A training and a test split over the same classes.

    Attributes:
        name: what it is called in results and model files, such as ``"mnist"``.
        source: where the bytes came from, for people to read.
        classes: the number of classes, or of questions; the width of a network's output.
        train: what the network learns from.
        test: what it is measured on, never trained on.
        task: what the labels mean.

    Raises:
        DataError: if a label is not below ``classes`` or the image sizes of the splits differ.
    """

    name: str
    source: str
    classes: int
    train: Split
    test: Split
    task: Task = field(default_factory=Task)

    def __post_init__(self) -> None:
        for split_name, split in (("training", self.train), ("test", self.test)):
            if len(split) == 0:
                raise DataError(
                    f"the {split_name} split of {self.source} holds no images: get it again"
                )
            limit = self.classes if self.task.kind == "multiclass" else 2
            if int(split.labels.max()) >= limit:
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

    @property
    def pixels(self) -> int:
        """The number of pixels of one image: the width of a network's input."""
        height, width = self.train.images.shape[1:]
        return int(height * width)


def hold_out(split: Split, validation: float) -> tuple[Split, Split]:
    """Cut the last images off for validation.

    Args:
        split: the training images.
        validation: how many to hold out: a share below 1, a count from 1 on.

    Returns:
        The images to train on, and those held out.

    Raises:
        UsageError: if none is left to train on.
    """
    count = round(validation * len(split)) if validation < 1 else int(validation)
    if count >= len(split):
        raise UsageError(
            f"a validation split of {count:,} leaves nothing of {len(split):,} training images: "
            "hold out fewer"
        )
    return split[: len(split) - count], split[len(split) - count :]
