"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import secrets
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
