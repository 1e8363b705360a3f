"""A table of what is on pictures: the columns ``file`` and ``label``, under common headings."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from mlp.common.errors import DataError
from mlp.common.plain_file import check_file
from mlp.data.formats.text_fields import AS_WINDOWS

FILE_HEADINGS = ("file", "filename", "file_name", "image", "path", "picture")
ID_HEADINGS = ("image_id", "imageid", "image_name", "id")
LABEL_HEADINGS = ("label", "digit", "class", "target")
"""What the two columns may be called, in any case; the second where none is called as the first."""

_TABLES = (".csv", ".tsv", ".txt")
_DELIMITERS = ",;\t|"


def is_label_file(path: Path) -> bool:
    """Whether a file begins with the headings of a table of labels."""
    try:
        check_file(path, DataError)
        with path.open(encoding="utf-8-sig", errors=AS_WINDOWS) as file:
            header = _headings(file.readline(1 << 16))[0]
    except (OSError, DataError):
        return False
    return len(_files(header)) == len(_places(header, LABEL_HEADINGS)) == 1


def label_files(folder: Path) -> Iterator[Path]:
    """Yield the tables of labels right in a folder."""
    return (
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in _TABLES and is_label_file(path)
    )


def read_label_file(path: Path) -> Iterator[tuple[str, str]]:
    """Read the names of pictures, as they are written, and their labels.

    Raises:
        DataError: if it cannot be read, has no such headings, or a row lacks one of the two.
    """
    check_file(path, DataError)
    try:
        with path.open(encoding="utf-8-sig", errors=AS_WINDOWS, newline="") as file:
            header, mark = _headings(file.readline())
            names, labels = _files(header), _places(header, LABEL_HEADINGS)
            if len(names) != 1 or len(labels) != 1:
                raise DataError(f"{path} does not begin with the line file,label: add it")
            lines = csv.reader(file, strict=True, delimiter=mark)
            for line in lines:
                if not any(field.strip() for field in line):
                    continue
                fields = [line[i].strip() for i in (*names, *labels) if i < len(line)]
                if len(line) != len(header) or not all(fields) or "\0" in fields[0]:
                    raise DataError(
                        f"line {lines.line_num + 1} of {path} is not a file and its label: "
                        "correct it"
                    )
                yield fields[0], fields[1]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a CSV file of labels ({error}): save it again") from None


def _headings(line: str) -> tuple[list[str], str]:
    """Return the headings in lower case, and what stands between them."""
    mark = max(_DELIMITERS, key=line.count)
    return [heading.strip().strip('"').lower() for heading in line.split(mark)], mark


def _files(header: list[str]) -> list[int]:
    return _places(header, FILE_HEADINGS) or _places(header, ID_HEADINGS)


def _places(header: list[str], known: tuple[str, ...]) -> list[int]:
    return [place for place, heading in enumerate(header) if heading in known]
