"""The splits that a file or folder holds, which need not make a whole dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.data.dataset import Split
from mlp.data.inputs import Pixels
from mlp.data.interpret import as_images
from mlp.data.raw import TEST, TRAIN, WHOLE, RawSplits

__all__ = ["TEST", "TRAIN", "WHOLE", "Progress", "RawSplits", "Splits", "Written", "as_written"]

Splits = dict[str, Split]
"""Either a ``train`` and a ``test`` split, or ``all`` alone where there is no division."""


class Parted(Protocol):
    """A split that is handed out in parts, as a `Split` is, so that it need not be in memory."""

    def __len__(self) -> int:
        """Return the number of its images."""

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the images, (N, height, width)."""

    @property
    def checksum(self) -> str:
        """As that of `Split`."""

    def parts(self) -> Iterator[Split]:
        """Yield one or more parts, from the beginning each time."""


Written = Mapping[str, Parted]
"""The splits to be written, with the names of `Splits`."""

Progress = Callable[[int, int], None]
"""Called from time to time with the number of images done, and of all images."""


def as_written(raw: RawSplits, source: Path, classes: int | None = None) -> Splits:
    """Take images and labels as they are in a file, to describe or convert them.

    Args:
        raw: what the file holds: images of bytes, with whole numbers from 0 to 255 as labels.
        source: the file or folder.
        classes: the number of classes, where a label that is not below it is an error.

    Raises:
        DataError: if they are of another kind, or the splits are empty or differ in image size.
    """
    splits: Splits = {}
    shaped = {name: as_images(split) for name, split in raw.items()}
    shares = all(_are_shares(split.features) for split in shaped.values())
    inputs = Pixels(0.0, 1.0) if shares else Pixels()
    for name, split in shaped.items():
        if not len(split) or not split.features[0].size:
            raise DataError(f"the split {name} of {source} holds no images: get it again")
        labels, limit = split.labels, classes or 256
        if split.features.ndim != 3 or labels is None or labels.ndim != 1:
            raise DataError(
                f"the split {name} of {source} is no set of images with one label each, which "
                "alone can be described and converted: train on it as it is"
            )
        if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= limit:
            row = 0
            if labels.dtype.kind in "iu":
                row = int(((labels < 0) | (labels >= limit)).argmax())
            raise DataError(
                f"image {row + 1:,} of the split {name} of {source} has the label "
                f"{labels[row]}, outside the classes 0 to {limit - 1}: correct it, or "
                "say how many classes there are"
            )
        pixels = inputs.apply(split.features, f"{source} ({name})")
        splits[name] = Split(pixels, labels.astype(np.uint8, copy=False))
    sizes = {split.images.shape[1:] for split in splits.values()}
    if len(sizes) > 1:
        raise DataError(
            f"the splits of {source} have images of different sizes "
            f"({' and '.join(f'{h} x {w}' for h, w in sorted(sizes))}): they do not belong together"
        )
    return splits


def _are_shares(pixels: NDArray[Any]) -> bool:
    """Whether pixels are floats from 0 to 1, which bytes would make 0 and 1 of."""
    is_float = pixels.dtype.kind == "f" and pixels.size > 0
    return bool(is_float and pixels.min() >= 0 and pixels.max() <= 1)
