"""Copies of this process that do some work beside it, and what becomes of them."""

from __future__ import annotations

import os
import pickle
import platform
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

ON_ONE_CORE = "or train on one core, which takes no more processes (taskset -c 0 mlp train …)"
AGAIN = f"train again, {ON_ONE_CORE}"
"""What to do where a worker is lost."""


def may_fork() -> bool:
    """Tell whether a process may go on as several that share memory.

    A thread may hold a lock that a new process would wait for without end. And what the processes
    share they read and write plainly, which the processor has to show to all in its order.
    """
    ordered = sys.platform == "linux" and platform.machine() in ("x86_64", "AMD64")
    handled = ordered and signal.getsignal(signal.SIGINT) is not None
    return handled and threading.active_count() == 1


class Processes:
    """Processes that are forked to do one thing each.

    What they change is lost with them, but for shared memory. An interrupt is this process's alone.
    """

    def __init__(self) -> None:
        self._pids: dict[int, int] = {}
        self._pipes: dict[int, int] = {}
        self._parent = 0  # in such a process, the one that forked it

    def start(self, works: Sequence[Callable[[], None]]) -> None:
        """Fork a process for each work.

        Raises:
            OSError: if the system has none left; some may have started.
        """
        with (
            _interrupts_later()
        ):  # or a process might go on that nobody knows of, or as a second us
            for number, work in enumerate(works):
                self._fork(number, work)

    def is_lost(self, number: int) -> bool:
        """Tell whether a process is no more; in such a process, whether the one before it is."""
        if self._parent:
            return os.getppid() != self._parent
        try:
            ended = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self._pids[number], ended) is not None
        except ChildProcessError:  # somebody else has waited for it
            return True

    def errors(self) -> list[BaseException]:
        """Wait until all have ended; return what they raised."""
        found = (self._error_of(number) for number in list(self._pids))
        return [error for error in found if error is not None]

    def end(self) -> None:
        """End those that still run."""
        for pid in self._pids.values():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with suppress(OSError):
                os.waitpid(pid, 0)
        for pipe in self._pipes.values():
            os.close(pipe)
        self._pids, self._pipes = {}, {}

    def _fork(self, number: int, work: Callable[[], None]) -> None:
        parent = os.getpid()
        self._pipes[number], writing = os.pipe()
        try:
            with warnings.catch_warnings():  # of threads of libraries: the work is NumPy's alone
                warnings.simplefilter("ignore")
                pid = os.fork()
        except OSError:
            os.close(writing)
            raise
        if pid:
            os.close(writing)
            self._pids[number] = pid
            return
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self._pids, self._parent = {}, parent
            work()
            code = 0
        except BaseException as error:
            with suppress(BaseException):
                os.write(writing, _packed(error))
        finally:
            os._exit(code)  # whatever else is done at an end, the parent does

    def _error_of(self, number: int) -> BaseException | None:
        with open(self._pipes[number], "rb", closefd=False) as told:
            words = told.read()
        status = 0
        with suppress(ChildProcessError):
            status = os.waitpid(self._pids[number], 0)[1]
        del self._pids[number]
        if words:
            error: BaseException = pickle.loads(words)  # its own words, from a pipe of its own
            return error
        code = os.waitstatus_to_exitcode(status)
        if code == -signal.SIGKILL:
            return MemoryError(
                f"the system ended a process of the training; free memory, {ON_ONE_CORE}"
            )
        if code:
            return RuntimeError(f"a process of the training ended with {code}; {AGAIN}")
        return None


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Let an interrupt wait for the end of the block."""
    caught = []
    handler = signal.signal(signal.SIGINT, lambda *arguments: caught.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if caught and callable(handler):
        handler(*caught[0])


def _packed(error: BaseException) -> bytes:
    """Pack an exception with where it arose; one that cannot be packed as its description."""
    where = "".join(traceback.format_exception(error))
    try:
        error.add_note(where)
        words = pickle.dumps(error)
        pickle.loads(words)
    except Exception:
        words = pickle.dumps(RuntimeError(where))
    return words
