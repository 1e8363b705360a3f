"""Rows as JSON lines, written as soon as they are measured."""

from __future__ import annotations

import json
import sys
import time
from typing import IO, Any


class Log:
    """Writes rows, and knows how much time is left.

    Args:
        file: where the rows go.
        deadline: seconds from now.
    """

    def __init__(self, file: IO[str], deadline: float) -> None:
        self._file, self._end = file, time.monotonic() + deadline
        self.rows: list[dict[str, Any]] = []

    def row(self, section: str, **values: Any) -> None:
        """Write a row, at once."""
        self.rows.append({"section": section, **values})
        print(json.dumps(self.rows[-1]), file=self._file, flush=True)
        print(f"{section}: {values}", file=sys.stderr)

    def is_late(self) -> bool:
        """Return whether the time is up."""
        return time.monotonic() >= self._end
