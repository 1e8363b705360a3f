"""An attack in a process of its own, whose end or standstill is a fault like others."""

from __future__ import annotations

import mmap
import os
import pickle
import select
import signal
import time
from collections.abc import Callable
from typing import IO

from fuzz import SMALL, Tally

PATIENCE = 60.0
"""Seconds after which an input that is still tried is said to hang."""


class Notes:
    """What a process is at, seen by another: how many inputs it has tried, and the present one."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 16 + 2 * SMALL)

    def begin(self, content: bytes) -> None:
        """Note an input that is about to be tried."""
        number = int.from_bytes(self._shared[:8], "big") + 1
        part = content[: 2 * SMALL]
        self._shared[16 : 16 + len(part)] = part
        self._shared[:16] = number.to_bytes(8, "big") + len(part).to_bytes(8, "big")

    def last(self) -> tuple[int, bytes]:
        """Return how many inputs have begun, and the last of them."""
        number, length = (int.from_bytes(self._shared[at : at + 8], "big") for at in (0, 8))
        return number, self._shared[16 : 16 + length]


Attack = Callable[[Callable[[bytes], object]], tuple[Tally, str]]
"""Is given what to call before each input; returns the tally, and what else is to be told."""


def apart(attack: Attack) -> tuple[Tally, str]:
    """Attack in a process of its own.

    If that ends by a signal or stands still, the rest of its tally is lost, and the input that it
    was at is the fault.
    """
    notes = Notes()
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        try:
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(attack(notes.begin), pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content, hung = _read(pipe, notes, process)
    _, status = os.waitpid(process, 0)
    if content:
        found: tuple[Tally, str] = pickle.loads(content)
        return found
    number, last = notes.last()
    how = "hangs" if hung else f"ended by {os.waitstatus_to_exitcode(status)}"
    return Tally(tries=number, faults={how: last}), "-"


def _read(pipe: IO[bytes], notes: Notes, process: int) -> tuple[bytes, bool]:
    """Read to the end; kill a process that stays at one input, and tell so."""
    content, number, since = b"", -1, time.monotonic()
    while True:
        if select.select([pipe], [], [], 1.0)[0]:
            part = os.read(pipe.fileno(), 1 << 16)
            if not part:
                return content, False
            content += part
        now = notes.last()[0]
        if now != number:
            number, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            os.kill(process, signal.SIGKILL)
            return b"", True
