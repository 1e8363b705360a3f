"""The command line as tests run it: in this process, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from source import ROOT

if TYPE_CHECKING:
    import pytest  # without which the site is built

DATA = ("--dataset", "synthetic:120+50", "--device", "cpu")
TINY = (*DATA, "--hidden", "8", "--epochs", "2", "--batch-size", "32")
"""Trains a tiny network in no time."""


class Result(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Result]

ASKED_BY_A_TERMINAL = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE")
"""The variables by which a developer's own terminal would change what is printed."""


def in_this_process(
    folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run the command line in a folder, whatever a developer's own terminal asks for."""
    import pytest

    from mlp.cli import main  # which takes a while

    patch.chdir(folder)
    for name in ASKED_BY_A_TERMINAL:
        patch.delenv(name, raising=False)

    def run(*arguments: object) -> Result:
        patch.setattr(sys, "argv", ["mlp", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        code = end.value.code
        return Result(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


def refused(result: Result, *words: str, code: int = 1) -> None:
    """Check for one sentence on stderr with these words, the exit code, and nothing on stdout."""
    assert result.code == code, result
    last = result.err.strip().splitlines()[-1]
    assert "Traceback" not in result.err
    assert last.startswith("mlp: ")
    for word in words:
        assert word in last
    assert result.out == ""


class Started(subprocess.Popen[bytes]):
    """A process that is killed where its block fails, which would else wait for its end."""

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, error, traceback)


def start(*arguments: str, **options: Any) -> Started:
    """Start the command line of this tree in a process of its own, whatever the folder.

    Without the path, a process in another folder would find whichever copy is installed.
    """
    environment = {**os.environ, **options.pop("env", {}), "PYTHONPATH": str(ROOT)}
    return Started([sys.executable, "-m", "mlp", *arguments], env=environment, **options)
