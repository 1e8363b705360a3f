"""What goes to stderr while a command works: notes, bars and a line an epoch."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from backends import Array, Backend
from mlp.common.printable import printable
from mlp.data.task import Kind
from mlp.training.history import Epoch
from mlp.training.runs.writers import describe_epoch


class _Stderr(Console):
    """Falls silent where whoever read it has seen enough, as ``| head``: the work goes on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


stderr: Console = _Stderr(stderr=True, highlight=False, soft_wrap=True)

REFRESH_SECONDS = 0.25
"""The bar asks for the loss no more often than this: on a GPU that waits for the device."""


LONGEST_LINE = 10_000
"""Characters of a line: a longer one, from a file, is cut short in its middle."""


def say(line: str) -> None:
    """Print a line of the result, made harmless where it quotes a file: see `printable`."""
    print(printable(line, LONGEST_LINE))


def note(sentence: str) -> None:
    """Print a sentence for the user that is no part of the result."""
    stderr.print(printable(sentence, LONGEST_LINE), markup=False)


def warn(sentence: str) -> None:
    """Warn the user that something is likely to be wrong."""
    stderr.print(f"warning: {printable(sentence, LONGEST_LINE)}", style="yellow", markup=False)


def out_of_memory(error: MemoryError) -> str:
    """Say that memory was wanting, of the host or of a GPU, and what takes less."""
    reason = f" ({error})" if str(error) else ""
    return f"out of memory{reason}: take fewer images, a smaller --batch-size or --hidden"


def print_table(table: Table) -> None:
    """Print a table on stdout as wide as it is, even beyond the terminal: no figure is cut."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    wide = console.options.update(max_width=10_000)
    console.width = max(console.width, Measurement.get(console, wide, table).maximum)
    console.print(table)


@contextmanager
def download_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Draw a progress bar for each file that is downloaded; without a download, draw nothing."""
    tasks: dict[str, TaskID] = {}
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
    )

    def on_progress(name: str, done: int, total: int | None) -> None:
        if name not in tasks:
            note(f"downloading {name}")
            tasks[name] = bar.add_task(name)
            bar.start()
        bar.update(tasks[name], completed=done, total=total)

    try:
        yield on_progress
    finally:
        if tasks:
            bar.stop()


class TrainingBar:
    """Progress of a training run: a bar while an epoch runs, a line when it is done.

    Args:
        backend: the device that the losses are on.
        images: training images an epoch.
        epochs: epochs of the run.
        finished: how many of these were done before, where the run is resumed.
        kind: of the task.
    """

    def __init__(
        self,
        backend: Backend,
        images: int,
        epochs: int,
        finished: int = 0,
        kind: Kind = "multiclass",
    ) -> None:
        self._backend, self._images, self._epochs = backend, images, epochs
        self._kind: Kind = kind
        self._finished = self._before = finished
        self._next_refresh = 0.0
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("loss {task.fields[loss]}, {task.fields[speed]} images/s, left"),
            TimeRemainingColumn(),
            console=stderr,
            transient=True,
            # Rich would refresh the bar from a thread of its own, which would compete with the
            # workers for the interpreter: it is refreshed by hand, in on_step.
            auto_refresh=False,
        )
        self._task = self._bar.add_task(
            "train",
            total=images * epochs,
            completed=images * finished,
            epoch=f"{finished + 1}/{epochs}",
            loss="-",
            speed="-",
        )

    def __enter__(self) -> TrainingBar:
        if stderr.is_terminal:  # elsewhere even to stop it would print an empty line
            self._bar.start()
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        if stderr.is_terminal:
            self._bar.stop()

    def on_step(self, images: int, loss: Array) -> None:
        """Move the bar, a few times a second."""
        now = time.perf_counter()
        if now < self._next_refresh or not stderr.is_terminal:
            return
        self._next_refresh = now + REFRESH_SECONDS
        done = self._finished * self._images + images
        self._bar.update(
            self._task,
            refresh=True,
            completed=done,
            epoch=f"{self._finished + 1}/{self._epochs}",
            loss=f"{self._backend.to_numpy(loss).item():.4f}",
            speed=f"{(done - self._before * self._images) / (now - self._start):,.0f}",
        )

    def finish(self, epochs: int) -> None:
        """Count so many of the epochs as finished, of which others tell."""
        self._finished = epochs

    def on_epoch(self, epoch: Epoch) -> None:
        """Print the epoch's line."""
        self._finished = epoch.epoch
        note(describe_epoch(epoch, self._epochs, self._kind))
