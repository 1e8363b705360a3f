"""Busy processes: they run inside the block, take time on a core, and end with it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.harness.load import busy_processes

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


def children() -> set[int]:
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def ticks(pid: int) -> int:
    """Read how long a process has run, in clock ticks."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


@needs_proc
def test_so_many_are_busy_inside_the_block_and_gone_after_it() -> None:
    before = children()
    with busy_processes(0):
        assert children() == before
    with busy_processes(2):
        busy = children() - before
        assert len(busy) == 2
        while min(ticks(pid) for pid in busy) < 3:  # each gets on
            time.sleep(0.01)
    assert children() == before


@needs_proc
def test_they_end_with_the_benchmark_that_is_killed() -> None:
    script = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from bench.harness.load import busy_processes\n"
        "with busy_processes(1):\n"
        "    print(Path(f'/proc/self/task/{os.getpid()}/children').read_text(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = (sys.executable, "-c", script)
    pid = int(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    while (
        Path(f"/proc/{pid}/stat").exists() and ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    ):
        time.sleep(0.01)
