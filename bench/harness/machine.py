"""What was measured on: the processor, its cores and memory, the system and the commit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import mlp.benchmark.machine


def describe_machine() -> dict[str, Any]:
    """Describe this machine and the state it is in, for a result's reader."""
    machine = mlp.benchmark.machine.describe_machine()
    return {
        "processor": machine.processor,
        "cores": machine.cores,
        "memory_gib": _rounded(machine.memory_bytes, 2**30, 1),
        "system": machine.system,
        "python": machine.versions["Python"],
        "load_before": _rounded(machine.load, 1, 2),
        "commit": _commit(),
    }


def machine_line(machine: dict[str, Any]) -> str:
    """Say the same in one line."""
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; "
        f"{machine['system']}, Python {machine['python']}; commit {machine['commit']}; "
        f"load {machine['load_before']} before the run."
    )


def _rounded(value: float | None, unit: int, digits: int) -> float | str:
    return "unknown" if value is None else round(value / unit, digits)


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    folder = Path(__file__).resolve().parent
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
