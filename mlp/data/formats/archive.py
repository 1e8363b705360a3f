"""A zip archive of files in another format, as Kaggle and others give away their data."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mlp.common.bounds import check_unpacked
from mlp.common.errors import DataError
from mlp.common.safe_npz import is_zip
from mlp.data.formats.lone_folder import find_inside
from mlp.data.formats.npz import holds_arrays_alone
from mlp.data.formats.registry import FORMATS, Format, ReadFormat
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.splits import RawSplits

MOST_FILES = 1_000_000
"""Files of an archive; more are a bomb."""

MOST_FOLDERS = 100
"""Folders in one another; what lies deeper cannot be deleted again by a program that recurses."""


@FORMATS.register("zip")
class Archive(ReadFormat):
    """It is unpacked into a folder that is gone afterwards, and read as what lies there."""

    title = "a .zip archive of one of these"
    endings = (".zip",)
    takes = frozenset({"label", "drop", "size", "handwriting"})

    def matches(self, path: Path) -> bool:
        if is_zip(path):
            return path.suffix.lower() != ".npz" and not holds_arrays_alone(path)
        return path.name.lower().endswith((".npy.gz", ".npz.gz"))  # others read .gz themselves

    def read(self, path: Path, request: Request) -> RawSplits:
        with _unpacked(path) as (format, place):
            splits = format.read(place, _of_archive(request, place, path))
        return {name: replace(split, source="") for name, split in splits.items()}

    def rows(self, path: Path, request: Request, asked: Asked) -> Iterator[Rows]:
        with _unpacked(path) as (format, place):
            yield from format.rows(place, _of_archive(request, place, path), asked)


def _of_archive(request: Request, place: Path, path: Path) -> Request:
    """Let sentences about what was unpacked tell of the archive."""

    def note(sentence: str) -> None:
        request.note(sentence.replace(str(place), str(path)))

    return replace(request, note=note)


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[Format, Path]]:
    """Unpack an archive for a while, and recognise what lies in it."""
    with TemporaryDirectory(prefix="mlp-") as folder:
        _unpack(path, Path(folder))
        place, found = find_inside(Path(folder))
        try:
            if len(found) != 1 or isinstance(found[0], Archive):
                raise DataError(f"{place} is no dataset: unpack it and look what it holds")
            yield found[0], place
        except DataError as error:  # which tells of files in a folder that is gone
            raise DataError(str(error).replace(str(place), str(path))) from None


def _unpack(path: Path, folder: Path) -> None:
    """Unpack an archive, whose names `zipfile` keeps inside the folder.

    Raises:
        DataError: if it is damaged or encrypted, or unpacks to too much.
    """
    try:
        if not is_zip(path):
            _unpack_gzip(path, folder / path.stem)
            return
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_FILES:
                raise DataError(
                    f"{path} holds {len(entries):,} files, over the limit of {MOST_FILES:,}: "
                    "unpack it yourself and name the folder"
                )
            if any(entry.filename.count("/") > MOST_FOLDERS for entry in entries):
                raise DataError(
                    f"{path} holds folders in one another, more than {MOST_FOLDERS}: unpack it "
                    "yourself and name the folder of the data"
                )
            size = sum(entry.file_size for entry in entries)
            check_unpacked(path, path.stat().st_size, size, DataError)
            archive.extractall(folder)
    except RuntimeError:
        raise DataError(f"{path} is encrypted: unpack it yourself and name the folder") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise DataError(f"{path} is a damaged archive ({error}): get it again") from None
    except gzip.BadGzipFile as error:
        raise DataError(f"{path} is damaged gzip data ({error}): get it again") from None
    except OSError as error:
        raise DataError(f"cannot unpack {path}: {error.strerror or error}") from None


def _unpack_gzip(path: Path, target: Path) -> None:
    packed, done = path.stat().st_size, 0
    with gzip.open(path) as file, target.open("wb") as unpacked:
        while content := file.read(1 << 20):
            done += len(content)
            check_unpacked(path, packed, done, DataError)
            unpacked.write(content)
