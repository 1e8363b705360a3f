"""Inputs as files, for parsers that take paths."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from fuzz import Try


def as_file(name: str, read: Callable[[Path], object]) -> Try:
    """Give a parser of files its input in a file of this name."""

    def act(content: bytes) -> object:
        path = scratch() / name
        path.write_bytes(content)
        return read(path)

    return act


@cache
def scratch() -> Path:
    """Return a folder of this process, in memory where there is such a place."""
    return Path(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None))  # noqa: PTH112


def written(name: str, write: Callable[[Path], object]) -> bytes:
    """Return what is written into a file of this name."""
    path = scratch() / f"seed-{name}"
    write(path)
    content = path.read_bytes()
    path.unlink()
    return content
