"""Trainings that are started from the page of ``mlp watch``: each is ``mlp train`` with a folder.

They are processes of their own, so that they train as from a terminal; they end with the server.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from mlp.common.errors import UsageError
from mlp.common.printable import printable
from mlp.training.runs.folder import RunFolder, new_folder
from mlp.web.watching import Watching

ROOT = Path(__file__).resolve().parents[2]
"""Where a process finds the package."""

OPTIONS = {
    "dataset": r"synthetic:6000\+1000|mnist",
    "hidden": r"none|\d{1,5}(,\d{1,5}){0,7}",
    "activation": "relu|tanh|sigmoid|gelu",
    "lr": r"\d{0,6}(\.\d{1,9})?",
    "batch_size": r"\d{1,6}|full",
    "epochs": r"\d{1,4}",
}
"""What may be asked of a training, by the names of the page's form, and what it may be."""

MOST_AT_ONCE = 3
"""More trainings would take cores from each other, and their streams the browser's connections."""

POLL, PATIENCE = 0.05, 20.0
"""Seconds between two looks at whether a run has begun; that it has to save its state and end."""


class Starting:
    """Starts trainings into ``runs/``, and ends those that still run; see `end`."""

    def __init__(self) -> None:
        self._started: list[tuple[RunFolder, subprocess.Popen[bytes]]] = []
        self._turn = threading.Lock()  # or two would choose the same folder
        self._has_ended = False

    def start(self, asked: Mapping[str, object]) -> Watching:
        """Start a training, wait until its run has begun, and return that to watch it.

        Args:
            asked: values by the names of `OPTIONS`; what is not there is as ``mlp train`` has it.

        Raises:
            UsageError: if that cannot be asked of a training, if it ends before it has begun, or if
                too many run already.
        """
        arguments = _arguments(asked)
        with self._turn, tempfile.TemporaryFile() as told:
            if sum(process.poll() is None for _, process in self._started) >= MOST_AT_ONCE:
                raise UsageError(f"{MOST_AT_ONCE} trainings run already: stop one of them first")
            folder = new_folder("page")
            run = Watching(folder.path.name, folder.path)
            process = _started([f"--run={folder}", *arguments], told)
            self._started.append((folder, process))
            if self._has_ended:
                _interrupt(process)
            while not folder.settings.is_file():
                if process.poll() is not None:
                    told.seek(0)
                    raise UsageError(_last_words(told.read()))
                time.sleep(POLL)
                with suppress(OSError):  # there is no folder yet
                    run.stay()  # or a short run would have ended before the page comes to watch
        return run

    def end(self) -> list[RunFolder]:
        """Interrupt the trainings that still run, and wait for them to save their states.

        Returns:
            The folders of those that could have gone on.
        """
        self._has_ended = True
        running = [(folder, process) for folder, process in self._started if process.poll() is None]
        for _, process in running:
            _interrupt(process)
        end = time.monotonic() + PATIENCE
        for _, process in running:
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return [folder for folder, _ in running if folder.settings.is_file()]


def _arguments(asked: Mapping[str, object]) -> list[str]:
    """Turn what is asked into options of ``mlp train``."""
    arguments = []
    for name, value in asked.items():
        text = value if isinstance(value, str) else ""
        flag = f"--{name.replace('_', '-')}"
        if name not in OPTIONS:
            raise UsageError("that cannot be asked of a training: load the page again")
        if not (text and re.fullmatch(OPTIONS[name], text, re.ASCII)):
            raise UsageError(f"{flag} cannot be {printable(text)[:40]!r}: correct it")
        arguments.append(f"{flag}={text}")
    return arguments


def _started(arguments: list[str], told: BinaryIO) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "mlp", "train", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=told,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # Ctrl-C is the server's, which then interrupts it once
    )


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    if os.name == "nt":
        process.terminate()
    else:
        process.send_signal(signal.SIGINT)


def _last_words(told: bytes) -> str:
    """Return the sentence by which a command that failed said why."""
    lines = told.decode(errors="replace").splitlines()
    lines = [line for line in lines if line.startswith("mlp: ")]
    return lines[-1].removeprefix("mlp: ") if lines else "the training ended before it had begun"
