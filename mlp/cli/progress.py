"""How far a command has come with many things alike, and how long it will take: on stderr."""

from __future__ import annotations

import time

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from mlp.cli import console


class WorkBar:
    """A bar that is drawn where stderr is a terminal, from the first second on.

    Args:
        things: what is counted, such as ``"pictures"``.
        total: how many there are; None where that is not known.
    """

    def __init__(self, things: str, total: int | None) -> None:
        self._bar = Progress(
            TextColumn("{task.completed:,.0f}" + (f" of {total:,} " if total else " ") + things),
            BarColumn(),
            TextColumn("{task.fields[speed]} a second, left"),
            TimeRemainingColumn(),
            console=console.stderr,
            transient=True,
            auto_refresh=False,  # which takes a thread, and processes may be started meanwhile
        )
        self._task = self._bar.add_task("work", total=total, speed="-")
        self._done, self._is_drawn = 0, False

    def __enter__(self) -> WorkBar:
        self._start = time.perf_counter()
        self._next = self._start + 1.0
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_drawn:
            self._bar.stop()

    def advance(self, count: int) -> None:
        """Tell that so many more are done."""
        self._done += count
        now = time.perf_counter()
        if now < self._next or not console.stderr.is_terminal:
            return
        if not self._is_drawn:
            self._bar.start()
            self._is_drawn = True
        self._next = now + console.REFRESH_SECONDS
        speed = f"{self._done / (now - self._start):,.0f}"
        self._bar.update(self._task, refresh=True, completed=self._done, speed=speed)
