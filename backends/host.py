"""The host machine: the cores that this process may use, its free memory, its peak memory."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def usable_cores() -> int:
    """Count the cores that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def free_bytes() -> int:
    """Read the memory that is available without swapping.

    On a system without ``/proc/meminfo`` this is half of all memory, and on Windows 4 GiB.
    """
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        available = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(available.split()[1]) << 10
    except (OSError, StopIteration):
        if not hasattr(os, "sysconf"):  # Windows
            return 4 << 30
        pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        return pages * page // 2


def peak_bytes() -> int:
    """Read the most resident memory that this process ever had; 0 if the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10
