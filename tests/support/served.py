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
def serving(*arguments: object) -> Iterator[int]:
    """Run ``mlp draw`` and give its port; at the end it is interrupted, and must take it well."""
    with serving_process(*arguments) as (port, _):
        yield port


@contextmanager
def serving_process(
    *arguments: object, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """Do as `serving`, and give the process's number, too; set variables of its environment."""
    command = [sys.executable, "-m", "mlp", "draw", "--no-browser", *map(str, arguments)]
    with subprocess.Popen(
        command,
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
