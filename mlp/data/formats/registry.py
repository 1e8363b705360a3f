"""The formats of datasets, and the interface of each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from mlp.common.errors import DataError, UsageError
from mlp.common.file_formats import FileFormat, Formats
from mlp.common.plain_file import check_file
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows, cut, split_to_answer
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, Progress, RawSplits, Written
from mlp.data.inputs import Columns
from mlp.data.reading import Reading

OF_ALL = frozenset({"classes", "test", "test_file", "missing"})
"""The choices of a reader that are followed whatever the format is."""

PAIR, ONE = frozenset({TRAIN, TEST}), frozenset({WHOLE})


class Format(FileFormat):
    """A format of datasets.

    Attributes:
        holds: the sets of splits that it can hold.
        takes: the choices in `mlp.data.reading.Reading` that it follows, beside those of all.
        in_parts: whether it writes splits by their `parts` alone, so that they need not be in
            memory; else each is given as a whole `mlp.data.dataset.Split`.
    """

    holds: ClassVar[tuple[frozenset[str], ...]] = (PAIR,)
    takes: ClassVar[frozenset[str]] = frozenset()
    in_parts: ClassVar[bool] = False
    needs_ending = True

    def check_choices(self, path: Path, reading: Reading) -> None:
        """Refuse what a user chose and this format would not follow.

        Raises:
            UsageError: naming the option.
        """
        for name in reading.chosen():
            if name not in self.takes | OF_ALL:
                flag = name.replace("_", "-")
                raise UsageError(
                    f"{path} is {self.title}, for which --{flag} means nothing: leave it away"
                )

    @abstractmethod
    def read(self, path: Path, request: Request) -> RawSplits:
        """Read the splits, and decide nothing about them; see `mlp.data.interpret`.

        Args:
            path: the file or folder, which `matches`.
            request: how it is to be read.

        Raises:
            DataError: if it is damaged or hostile.
            UsageError: if the request does not suit it.
        """

    def read_pair(self, path: Path, other: Path, request: Request) -> RawSplits:
        """Read a file as the training split, and another, in any format, as the test split.

        Args:
            path: the file or folder, which `matches`.
            other: the one with the test split.
            request: how both are to be read.

        Raises:
            DataError: as `read`, and if one of them holds both splits itself.
        """
        check_file(other, DataError)
        if not other.exists():
            raise DataError(f"there is no file or folder {other}: check its name")
        splits = {}
        for key, place in ((TRAIN, path), (TEST, other)):
            format = next(iter(FORMATS.matching(place)), None)
            if format is None:
                raise DataError(f"{place} is no dataset: name {FORMATS.titles}")
            found = format.read(place, request)
            if found.keys() != {WHOLE}:
                raise DataError(
                    f"{place} has training and test images of its own: leave --test-file away"
                )
            splits[key] = found[WHOLE]
        return splits

    def streamed(self, path: Path, classes: int | None) -> Written | None:
        """Find the splits without reading them whole.

        Args:
            path: the file or folder, which `matches`.
            classes: the number of classes, where a label that is not below it is an error.

        Returns:
            The splits; None where they have to be read.
        """
        return None

    def rows(self, path: Path, request: Request, asked: Asked) -> Iterator[Rows]:
        """Read the rows that a model is to answer, chunk by chunk; they need no labels.

        Args:
            path: the file or folder, which `matches`.
            request: how it is to be read.
            asked: what is wanted of them.

        Raises:
            DataError: as `read`, and if they are of another shape than the model reads.
        """
        known = asked if isinstance(asked.inputs, Columns) else None
        splits = self.read(path, replace(request, known=known))
        yield from cut(splits[split_to_answer(splits, path, request.note)])

    @abstractmethod
    def write(self, splits: Written, path: Path, progress: Progress) -> None:
        """Write splits, whole or not at all, replacing what is there.

        Args:
            splits: one of the sets of splits in `holds`; labels of shape (N,).
            path: the file or folder.
            progress: called with the number of images written so far, where writing takes long.

        Raises:
            OSError: if it cannot be written.
        """


class ReadFormat(Format):
    """A format that is only read, as others keep data better."""

    holds = ()
    is_written = False

    def write(self, splits: Written, path: Path, progress: Progress) -> None:
        raise UsageError(f"{self.title} is only read here: write {FORMATS.titles}")


FORMATS: Formats[Format] = Formats("format of datasets")
