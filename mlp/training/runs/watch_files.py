"""The files between a training and who watches it: a picture of the run, and what is asked of it.

They are in the run's folder, so that a page in a process of its own can watch any run of this
machine, and one that nobody watches writes none. Nothing is synced: they are of this moment, and
no run depends on them.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import MLPError, ModelError
from mlp.common.safe_npz import read_npz

ABOUT, MOMENT, ASKED = "watch-about.npz", "watch-moment.npz", "watch.json"
NAMES = ABOUT, MOMENT, ASKED

ALIVE = 5.0
"""Seconds: who watches says so more often than this."""

_JSON = "json"


@dataclass(frozen=True)
class RunControl:
    """What is asked of a run that is watched.

    Attributes:
        paused: whether it waits.
        steps: how often it was asked, all in all, to go on by one span of updates while it waits.
        rate: what its learning rates are to be multiplied by from the next epoch on; None leaves
            them as they are.
        stop: whether it is to end after this epoch, and to keep the network.
    """

    paused: bool = False
    steps: int = 0
    rate: float | None = None
    stop: bool = False

    def __post_init__(self) -> None:
        rate = self.rate
        is_rate = rate is None or (isinstance(rate, int | float) and 0 < rate < 1e6)
        flags = self.paused, self.stop
        if not (is_rate and all(isinstance(flag, bool) for flag in flags)):
            raise ValueError("nothing that can be asked of a run")
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 0:
            raise ValueError("a number of steps is a whole number")


class WatchFiles:
    """These files of one run.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # Who watches

    def ask(self, asked: RunControl) -> None:
        """Ask something of the run, which also tells that it is watched.

        Raises:
            OSError: if the folder is gone or cannot be written.
        """
        self._replace(ASKED, json.dumps(asdict(asked)).encode())

    def stay(self) -> None:
        """Tell that the run is still watched."""
        with suppress(OSError):
            os.utime(self.folder / ASKED)

    def about(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
        """Return what a run told of itself when it was first watched; None before."""
        return _read(self.folder / ABOUT)

    def moment(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
        """Return the latest moment that a run told of; None before the first."""
        return _read(self.folder / MOMENT)

    def changed(self) -> int:
        """Return when the latest moment was told, in nanoseconds; 0 before the first."""
        return self._when(MOMENT)

    def about_changed(self) -> int:
        """Return when a run told of itself, in nanoseconds; 0 before it did."""
        return self._when(ABOUT)

    def _when(self, name: str) -> int:
        with suppress(OSError):
            return (self.folder / name).stat().st_mtime_ns
        return 0

    # The run

    def asked(self) -> RunControl | None:
        """Return what is asked of the run; None where nobody watches."""
        try:
            at = (self.folder / ASKED).stat().st_mtime_ns
            if abs(time.time() - at / 1e9) > ALIVE:
                return None
            # It is read each time: what was asked twice within a tick of the file system's clock,
            # of some milliseconds, has the same time.
            return RunControl(**json.loads((self.folder / ASKED).read_bytes()))
        except (OSError, ValueError, TypeError, RecursionError):
            return None

    def tell_about(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Tell what a run is: values that JSON holds, and arrays.

        Raises:
            OSError: if it cannot be written.
        """
        self._write(ABOUT, values, arrays)

    def tell(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Tell how the run stands now.

        Raises:
            OSError: if it cannot be written.
        """
        self._write(MOMENT, values, arrays)

    def clear(self) -> None:
        """Delete what an earlier run told, and what was asked of it, unless somebody still watches.

        To say so anew may take who watches longer than a short run does. But that it should stop
        was asked of the earlier run alone.
        """
        asked = self.asked()
        with suppress(OSError):
            if asked is not None and asked.stop:
                self.ask(replace(asked, stop=False))
        for name in NAMES if asked is None else (ABOUT, MOMENT):
            with suppress(OSError):
                (self.folder / name).unlink()

    def _write(
        self, name: str, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        text = np.frombuffer(json.dumps(values).encode(), np.uint8)
        place = self.folder / f".{name}.part"
        with place.open("wb") as file:
            np.savez(file, **{_JSON: text, **arrays})  # type: ignore[arg-type]  # no name is a flag
        # The file system's clock stands still for some milliseconds: two moments told within them
        # would have the same time, and who has read the first would never see the second.
        now = time.time_ns()
        os.utime(place, ns=(now, now))
        place.replace(self.folder / name)

    def _replace(self, name: str, content: bytes) -> None:
        # Several may watch a run, each in a process or thread of its own.
        place = self.folder / f".{name}.{os.getpid()}-{threading.get_ident()}.part"
        place.write_bytes(content)
        place.replace(self.folder / name)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
    if not path.is_file():
        return None
    try:
        arrays = read_npz(path, ModelError)
        values = json.loads(arrays.pop(_JSON).tobytes())
    except (MLPError, ValueError, KeyError, RecursionError):
        return None
    return (values, arrays) if isinstance(values, dict) else None
