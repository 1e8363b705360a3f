"""The lines of a text file, packed or not, in the encodings that people's programs write."""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mlp.common.bounds import check_unpacked
from mlp.common.errors import DataError
from mlp.data.formats.text_fields import AS_WINDOWS

_MAX_LINE = 1 << 20


@contextmanager
def open_lines(path: Path) -> Iterator[Iterator[str]]:
    """Open a file to be read line by line; one of more than 2²⁰ characters is cut.

    Raises:
        DataError: if it cannot be read, or the block finds that a line is none of a table.
    """
    try:
        with _open(path) as file:
            yield _lines(file, path)
    except csv.Error as error:
        raise DataError(f"{path} has a line that is no row ({error}): correct it") from None
    except EOFError:
        raise DataError(f"{path} is cut off: get it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged gzip data ({error}): get it again") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def _open(path: Path) -> IO[str]:
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    opened = gzip.open if is_packed else open
    with opened(path, "rb") as file:
        start = file.read(2)
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):  # as spreadsheets save "Unicode text"
        return opened(path, "rt", encoding="utf-16", errors="replace")
    return opened(path, "rt", encoding="utf-8-sig", errors=AS_WINDOWS)


def _lines(file: IO[str], path: Path) -> Iterator[str]:
    size, done = path.stat().st_size, 0
    while line := file.readline(_MAX_LINE):
        done += len(line)
        check_unpacked(path, size, done, DataError)
        yield line
