"""The page that watches a training, served by a process of its own beside the training's.

A thread of the training's process would compete with its workers for the interpreter.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from mlp.common.quiet import quiet
from mlp.training.runs.watch_files import RunControl, WatchFiles
from mlp.web.server import address_of, listen, serve
from mlp.web.watch_app import PACE, create_watch_app
from mlp.web.watching import Watching

HOST = "127.0.0.1"

NICE = 10
"""How much the training goes before the page where both want the same core."""

LINGER = 4.0
"""Seconds after the end of the run in which somebody may still see how it ended."""

PATIENCE = 8.0
"""Seconds that the process has to end."""


@contextmanager
def page_apart(folder: Path, name: str, *, browser: bool) -> Iterator[str]:
    """Serve the page of a run while the block runs, and a moment longer; give its address.

    Args:
        folder: the run's.
        name: what the page calls it.
        browser: whether to open the page.

    Raises:
        UsageError: if nothing can listen there.
    """
    bound = listen(HOST, 0)
    WatchFiles(folder).ask(RunControl())  # or the first epochs would pass untold
    address = address_of(bound)
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_serve, args=(bound, theirs, folder, name, browser), daemon=True
    )
    try:
        with bound, theirs:  # of which the process has its own by then
            process.start()
        yield address
    finally:
        ours.close()  # which tells the process to end, as would the end of this one
        process.join(PATIENCE)
        if process.is_alive():
            process.terminate()
            process.join()


def _serve(bound: socket.socket, pipe: Connection, folder: Path, name: str, browser: bool) -> None:
    """Be that process. Ctrl-C is the training's, which ends this one when it has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        os.setsid()
    with suppress(AttributeError, OSError):
        os.nice(NICE)
    ending = threading.Event()

    run = Watching(name, folder)

    def until() -> None:
        with suppress(EOFError, OSError):
            pipe.recv()
        end = time.monotonic() + LINGER
        while not run.was_seen_to_end and time.monotonic() < end:
            time.sleep(PACE)

    serve(
        create_watch_app([run], HOST, ending),
        bound,
        browser=browser,
        on_note=quiet,
        on_address=quiet,
        until=until,
        ending=ending,
    )
