"""Writing a file or a folder whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new binary file that takes the place of ``path`` once the block has ended well.

    Until then it lies beside ``path`` under a name of its own; if the block raises, it is
    deleted and whatever was at ``path`` stays as it was.

    Raises:
        OSError: if the folder is missing, not writable or full.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    # Not tempfile: its files are closed to everyone but their owner, and stay so when renamed.
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # or a crash could leave the new name on an empty file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Make a new folder that takes the place of ``path`` once the block has ended well.

    As `replacing` does for a file; a folder that was at ``path`` is deleted with all that is in
    it.

    Raises:
        OSError: if the folder above is missing, not writable or full.
    """
    path = path.resolve()
    token = secrets.token_hex(4)
    temporary, old = (path.with_name(f".{path.name}.{token}.{what}") for what in ("tmp", "old"))
    try:
        temporary.mkdir()
        yield temporary
        if path.exists():
            path.rename(old)
        temporary.rename(path)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        for leftover in (temporary, old):
            shutil.rmtree(leftover, ignore_errors=True)
