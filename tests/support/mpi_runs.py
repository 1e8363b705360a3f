"""Starting ranks by mpiexec, where there is one whose MPI is that of mpi4py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from source import ROOT

SECONDS = 100.0
"""A start that takes longer hangs."""


LAUNCHER = Path(sys.executable).with_name("mpiexec")
"""The one beside this Python, as a wheel brings it; another may be of another MPI."""

try:
    import mpi4py  # which starts nothing: mpi4py.MPI would
except ImportError:
    mpi4py = None  # type: ignore[assignment]

needs_mpi = pytest.mark.skipif(
    mpi4py is None or not LAUNCHER.exists(), reason="needs mpi4py and its mpiexec"
)


def mpiexec(count: int, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Let so many ranks run Python with these arguments; ":" begins those of further ranks."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    environment = {**os.environ, "PYTHONPATH": path, "MLP_OFFLINE": "1"}
    parts: list[str] = []
    for argument in (":", *command):
        parts += [":", "-n", str(count), sys.executable] if argument == ":" else [argument]
    return subprocess.run(
        [str(LAUNCHER), *parts[1:]],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        **{"cwd": ROOT, **options},
    )
