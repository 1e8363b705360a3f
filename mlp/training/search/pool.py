"""The processes of a search: several at a time, each on a core of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from mlp.common.errors import MLPError, UsageError
from mlp.training.search.halving import TrialResult

ROOT = Path(__file__).resolve().parents[3]
"""Where a process finds the package."""

POLL = 0.1
"""Seconds between two looks at whether a signal has come."""

PATIENCE = 30.0
"""Seconds that a process has to save its run's state, once it is to end."""


class TrialProcess:
    """The parent's end of a process of `mlp.training.search.trial_process`.

    Args:
        folder: the search's.
        core: what it is pinned to; None for none.
        warn: called with a sentence that it warns of.
    """

    def __init__(self, folder: Path, core: int | None, warn: Callable[[str], None]) -> None:
        self._warn = warn
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlp.training.search.trial_process", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            text=True,
            encoding="utf-8",
        )
        if core is not None:  # before it has loaded NumPy, whose threads are counted by it
            with suppress(OSError):
                os.sched_setaffinity(self._process.pid, {core})

    def train(self, trial: int, epochs: int) -> TrialResult | None:
        """Let it train a trial up to a rung; None where it was stopped.

        Raises:
            MLPError: if it cannot, or has ended.
        """
        pipe, answers = self._process.stdin, self._process.stdout
        assert pipe is not None
        assert answers is not None
        with suppress(BrokenPipeError):
            pipe.write(json.dumps({"trial": trial, "epochs": epochs}) + "\n")
            pipe.flush()
        for line in answers:
            told: dict[str, Any] = json.loads(line)
            if "warning" in told:
                self._warn(f"trial {trial}: {told['warning']}")
            elif "error" in told:
                kind = UsageError if told["code"] == UsageError.exit_code else MLPError
                raise kind(f"trial {trial}: {told['error']}")
            else:
                return None if "stopped" in told else TrialResult(**told)
        code = self._process.wait()
        raise MLPError(
            f"a process of the search ended with {code} while it trained trial {trial}: go on with "
            "--resume, and where memory is short with fewer --jobs"
        )

    def end(self) -> None:
        """Ask it to save its run's state and to end."""
        self._process.terminate()

    def wait(self) -> None:
        """Wait for its end, which is made where it takes too long."""
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


class Pool:
    """Processes that share out trials; see `pool`."""

    def __init__(self, processes: list[TrialProcess]) -> None:
        self._processes, self._has_ended = processes, False
        self._threads = ThreadPoolExecutor(len(processes))  # each waits for one's answers
        self._free: SimpleQueue[TrialProcess] = SimpleQueue()
        for process in processes:
            self._free.put(process)

    def results(
        self, trials: Iterable[int], epochs: int, stopped: Callable[[], bool]
    ) -> Iterator[TrialResult]:
        """Yield what trials come to at a rung, as they come.

        Args:
            trials: their numbers.
            epochs: of the rung.
            stopped: asked ten times a second; once it is true, the runs are stopped, with their
                states saved, and no others are begun.

        Raises:
            MLPError: if a trial cannot be trained.
        """
        left = {self._threads.submit(self._train, trial, epochs) for trial in trials}
        while left:
            done, left = wait(left, POLL, FIRST_COMPLETED)
            for future in done:
                with suppress(CancelledError, *([MLPError] if self._has_ended else [])):
                    if (result := future.result()) is not None:
                        yield result
            if not self._has_ended and stopped():
                for future in left:
                    future.cancel()
                self.end()

    def end(self) -> None:
        """Ask all processes to save their runs' states and to end."""
        self._has_ended = True
        for process in self._processes:
            process.end()

    def wait(self) -> None:
        """Wait for their ends."""
        for process in self._processes:
            process.wait()
        self._threads.shutdown(cancel_futures=True)

    def _train(self, trial: int, epochs: int) -> TrialResult | None:
        process = self._free.get()
        try:
            return process.train(trial, epochs)
        finally:
            self._free.put(process)


@contextmanager
def pool(folder: Path, cores: Sequence[int | None], warn: Callable[[str], None]) -> Iterator[Pool]:
    """Start a process for each core, which end with the block.

    Args:
        folder: the search's.
        cores: what each is pinned to; None for none.
        warn: called with a sentence that one of them warns of.
    """
    processes = Pool([TrialProcess(folder, core, warn) for core in cores])
    try:
        yield processes
    finally:
        processes.end()
        processes.wait()


def cores_for(jobs: int | None, device: str) -> list[int | None]:
    """Choose what so many runs at a time are pinned to.

    Args:
        jobs: how many; unless given, one for each core that this process may use, or a single one
            where the device is no CPU or the system pins nothing.
        device: the name of the backend.

    Raises:
        UsageError: if there are less than one.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs takes at least 1 run at a time, not {jobs}")
    if device != "cpu" or not hasattr(os, "sched_getaffinity"):
        return [None] * (jobs or 1)
    usable = sorted(os.sched_getaffinity(0))
    return [usable[job % len(usable)] for job in range(jobs or len(usable))]
