"""The command line as tests run it: in this process, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from source import ROOT

DATA = ("--dataset", "synthetic:120+50", "--device", "cpu")
TINY = (*DATA, "--hidden", "8", "--epochs", "2", "--batch-size", "32")
"""Trains a tiny network in no time."""


class Result(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Result]


def refused(result: Result, *words: str, code: int = 1) -> None:
    """Check for one sentence on stderr with these words, the exit code, and nothing on stdout."""
    assert result.code == code, result
    last = result.err.strip().splitlines()[-1]
    assert "Traceback" not in result.err
    assert last.startswith("mlp: ")
    for word in words:
        assert word in last
    assert result.out == ""


def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command line of this tree in a process of its own, whatever the folder.

    Without the path, a process in another folder would find whichever copy is installed.
    """
    environment = {**os.environ, **options.pop("env", {}), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", "mlp", *arguments], env=environment, **options)
