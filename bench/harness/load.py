"""Busy processes beside what is measured, as on a computer that has other work to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

SPIN = """
import os, sys
print(flush=True)
while os.getppid() == int(sys.argv[1]):  # so that it ends with the benchmark, however that ends
    for _ in range(100_000):
        pass
"""


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run so many processes during the block, each with work for a core and for no memory.

    All run when the block begins. Their priority is this process's own, and so that of the arms.
    """
    command = (sys.executable, "-I", "-S", "-c", SPIN, str(os.getpid()))
    with ExitStack() as stack:
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(process.kill)
            assert process.stdout
            process.stdout.readline()
        yield
