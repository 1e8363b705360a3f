"""Files that one process of a test run makes and all of its processes use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

try:
    import fcntl
except ImportError:  # Windows: each process makes the file, and the last one's stays
    fcntl = None  # type: ignore[assignment]


def folder_of_the_run(factory: pytest.TempPathFactory) -> Path:
    """The temporary folder that all processes of this run see."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def made_once(path: Path, make: Callable[[Path], object]) -> Path:
    """Let the first process that asks make a file, while others that ask wait for it."""
    with _locked(path.with_name(f"{path.name}.lock")):
        if not path.exists():
            unfinished = path.with_name(f"{path.stem}-{os.getpid()}{path.suffix}")
            make(unfinished)
            unfinished.replace(path)
    return path


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed, or the process ends
        yield
