"""``mlp watch``: a local page that shows runs as they train, and asks things of them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from mlp.cli import console
from mlp.cli.page_options import Served, check_page_installed
from mlp.common.errors import UsageError
from mlp.training.runs.folder import find_folder
from mlp.training.runs.signals import NAMES


def watch(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RUN]...",
            help="Folders of runs, or their names; see mlp runs. Others start on the page.",
        ),
    ] = None,
    *,
    served: Served,
) -> None:
    """Open a page on which runs are seen to train, side by side, and can be started and stopped."""
    folders = [find_folder(run) for run in runs or []]
    check_page_installed()
    from mlp.web.guard import is_loopback
    from mlp.web.server import listen, serve
    from mlp.web.starting import Starting
    from mlp.web.watch_app import create_watch_app
    from mlp.web.watching import Watching

    starting = Starting() if is_loopback(served.host) else None
    if starting is None and not folders:
        raise UsageError(
            f"a page on {served.host}, open to other machines, starts no training: name a run"
        )
    bound = listen(served.host, served.port)
    ending = threading.Event()
    watched = [Watching(folder.path.name, folder.path) for folder in folders]
    try:
        with _ended_alike():
            serve(
                create_watch_app(watched, served.host, ending, starting),
                bound,
                browser=served.browser,
                on_note=console.note,
                hint="watch on this page",
                ending=ending,
            )
    finally:
        for folder in starting.end() if starting is not None else ():
            console.note(f"{folder} was stopped: mlp train --resume {folder} goes on with it")


@contextmanager
def _ended_alike() -> Iterator[None]:
    """Let SIGTERM and a closed terminal do what Ctrl-C does, so that no training is left behind."""
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name))
        if signal.getsignal(number) is not signal.SIG_IGN  # as nohup has it for SIGHUP
    }
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def page_of(folder: Path | None) -> Iterator[Path]:
    """Open the page of a run that is about to train, while the block runs.

    Args:
        folder: the run's; one that is deleted at the end is made where it has none.
    """
    from mlp.web.watch_process import page_apart

    with ExitStack() as stack:
        name = "training" if folder is None else folder.name
        if folder is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="mlp-watch-")))
        address = stack.enter_context(page_apart(folder, name, browser=True))
        console.note(f"watch it on {address}")
        yield folder
