"""What results were measured on: the machine and the state of the source."""

from __future__ import annotations

import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlp.benchmark.machine import Machine, describe_machine


@dataclass(frozen=True)
class Provenance:
    """The machine as it was before the run, and the commit."""

    machine: Machine = field(default_factory=describe_machine)
    commit: str = field(
        default_factory=lambda: output_of("git", "describe", "--always", "--dirty") or "unknown"
    )

    def __str__(self) -> str:
        return f"{self.machine} before the run; commit {self.commit}."

    def to_dict(self) -> dict[str, Any]:
        """Turn it into what JSON can carry."""
        return {**asdict(self.machine), "commit": self.commit}


def output_of(*command: str) -> str | None:
    """Return what a command prints, run beside this file; None if it fails or is missing."""
    folder = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
