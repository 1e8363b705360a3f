"""mlp draw in a process of its own, as a visitor's browser finds it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def serving(*arguments: object, command: str = "draw") -> Iterator[int]:
    """Run ``mlp draw``, or another, and give its port; in the end it is interrupted."""
    with serving_process(*arguments, command=command) as (port, _):
        yield port


@contextmanager
def serving_process(
    *arguments: object, command: str = "draw", environment: Mapping[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """Do as `serving`, and give the process's number, too; set variables of its environment."""
    words = [sys.executable, "-m", "mlp", command, "--no-browser", *map(str, arguments)]
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().decode().strip()
            found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/", address)
            assert found, f"{address} {process.stderr.read().decode() if process.stderr else ''}"
            yield int(found[1]), process.pid
        finally:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out == b""
    assert b"closed" in err
    assert b"Traceback" not in err
