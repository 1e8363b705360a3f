"""The formats of datasets, and the interface of each."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from mlp.common.file_formats import FileFormat, Formats
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, Progress, RawSplits, Splits

PAIR, ONE = frozenset({TRAIN, TEST}), frozenset({WHOLE})


class Format(FileFormat):
    """A format of datasets.

    Attributes:
        holds: the sets of splits that it can hold.
    """

    holds: ClassVar[tuple[frozenset[str], ...]] = (PAIR,)
    needs_ending = True

    @abstractmethod
    def read(self, path: Path, progress: Progress) -> RawSplits:
        """Read the splits, and decide nothing about them; see `mlp.data.interpret`.

        Args:
            path: the file or folder, which `matches`.
            progress: called with the number of images read so far, where reading takes long.

        Raises:
            DataError: if it is damaged or hostile.
        """

    @abstractmethod
    def write(self, splits: Splits, path: Path, progress: Progress) -> None:
        """Write splits, whole or not at all, replacing what is there.

        Args:
            splits: one of the sets of splits in `holds`; labels of shape (N,).
            path: the file or folder.
            progress: called with the number of images written so far, where writing takes long.

        Raises:
            OSError: if it cannot be written.
        """


FORMATS: Formats[Format] = Formats("format of datasets")
