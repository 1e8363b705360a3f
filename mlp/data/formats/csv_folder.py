"""A folder of two CSV files, one of training and one of test images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mlp.common.atomic import replacing_folder
from mlp.data.formats.csv import ENDINGS, Csv, read_tables, write_csv
from mlp.data.formats.image_files import is_labelled
from mlp.data.formats.registry import FORMATS, Format
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.splits import TEST, TRAIN, Progress, RawSplits, Written
from mlp.data.formats.streamed import streamed

NAMES = ("train.csv", "test.csv")
"""What the two files are called where they are written."""

_SPLIT = re.compile(r"(?:^|.*[^a-z])(train(?:ing)?|test(?:ing)?|val(?:id(?:ation)?)?)(?:[^a-z].*)?")


@FORMATS.register("csv-folder")
class CsvFolder(Format):
    """Two files as in `mlp.data.formats.csv`."""

    title = "a folder of two CSV files"
    in_parts = True
    takes = frozenset({"label", "drop"})

    def matches(self, path: Path) -> bool:
        return bool(self.files(path)) and not is_labelled(path)

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return the training and the test file; nothing unless there is one of each.

        Their names have the word ``train`` and ``test`` in them, as ``mnist_train.csv``; in place
        of test rows, rows for validation will do.
        """
        found: dict[str, list[Path]] = {}
        for file in sorted(path.iterdir()):
            name = file.name.lower().removesuffix(".gz")
            match = _SPLIT.fullmatch(name.rpartition(".")[0])
            if match and name.endswith(ENDINGS) and file.is_file() and name[0] != ".":
                found.setdefault(match[1][:3], []).append(file)
        train, test = found.get("tra", []), found.get("tes", []) or found.get("val", [])
        return (train[0], test[0]) if len(train) == len(test) == 1 else ()

    def read(self, path: Path, request: Request) -> RawSplits:
        train, test = self.files(path)
        return read_tables(train, test, request)

    def rows(self, path: Path, request: Request, asked: Asked) -> Iterator[Rows]:
        test = self.files(path)[1]
        request.note(f"{path} has training and test rows: those of {test.name} are answered")
        yield from Csv().rows(test, request, asked)

    def streamed(self, path: Path, classes: int | None) -> Written | None:
        return streamed(dict(zip((TRAIN, TEST), self.files(path), strict=True)), classes)

    def write(self, splits: Written, path: Path, progress: Progress) -> None:
        with replacing_folder(path) as folder:
            for name, file in zip((TRAIN, TEST), NAMES, strict=True):
                write_csv(splits[name], folder / file)
