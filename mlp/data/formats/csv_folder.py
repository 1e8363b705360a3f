"""A folder of two CSV files, one of training and one of test images."""

from __future__ import annotations

from pathlib import Path

from mlp.common.atomic import replacing_folder
from mlp.data.formats.csv import read_csv, write_csv
from mlp.data.formats.registry import FORMATS, Format
from mlp.data.formats.splits import TEST, TRAIN, Progress, RawSplits, Splits

NAMES = (("train.csv", "test.csv"), ("mnist_train.csv", "mnist_test.csv"))
"""What the two files may be called; the first names are written."""


@FORMATS.register("csv-folder")
class CsvFolder(Format):
    """Two files as in `mlp.data.formats.csv`."""

    title = "a folder of two CSV files"

    def matches(self, path: Path) -> bool:
        return bool(self.files(path))

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return the training and the test file; nothing if the folder lacks one of them."""
        for names in NAMES:
            pair = tuple(path / name for name in names)
            if all(file.is_file() for file in pair):
                return pair
        return ()

    def read(self, path: Path, progress: Progress) -> RawSplits:
        train, test = self.files(path)
        return {TRAIN: read_csv(train), TEST: read_csv(test)}

    def write(self, splits: Splits, path: Path, progress: Progress) -> None:
        with replacing_folder(path) as folder:
            for name, file in zip((TRAIN, TEST), NAMES[0], strict=True):
                write_csv(splits[name], folder / file)
