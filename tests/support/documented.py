"""The commands that a document shows, and how a test runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from source import ROOT


def commands(text: str) -> list[str]:
    """The commands of all blocks of shell, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    parts = [part for line in lines for part in line.partition(" #")[0].split("&&")]
    return [part.strip() for part in parts if part.strip()]


def run_mlp(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlp", *arguments],
        cwd=folder,
        env={**os.environ, "MLP_OFFLINE": "1", "PYTHONPATH": str(ROOT), "BROWSER": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
