"""Forked workers: starting them, seeing whether they still run, and raising what they raised."""

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

from mlp.common.errors import MLPError

ON_ONE_CORE = "or train on one core, which takes no more processes (taskset -c 0 mlp train …)"
AGAIN = f"train again, {ON_ONE_CORE}"
"""What to do where a worker is lost."""


def may_fork() -> bool:
    """Tell whether this process can safely fork workers that share memory.

    It must run no other thread, whose locks would stay locked for ever in a forked process. Shared
    memory is used without fences, which needs x86's memory ordering.
    """
    ordered = sys.platform == "linux" and platform.machine() in ("x86_64", "AMD64")
    handled = ordered and signal.getsignal(signal.SIGINT) is not None
    return handled and threading.active_count() == 1


class Processes:
    """Forked processes that each call one function and end.

    What they write outside of shared memory is lost when they end. Only the parent receives an
    interrupt (Ctrl-C).
    """

    def __init__(self) -> None:
        self._pids: dict[int, int] = {}
        self._pipes: dict[int, int] = {}
        self._parent = 0  # in a forked process, its parent's id

    def start(self, works: Sequence[Callable[[], None]]) -> None:
        """Fork a process for each function.

        Raises:
            OSError: if the system cannot fork so many; some may have started.
        """
        # An interrupt in the middle could leave a child that nobody knows of, or a child would run
        # on as a second copy of the parent.
        with _interrupts_later():
            for number, work in enumerate(works):
                self._fork(number, work)

    def is_lost(self, number: int) -> bool:
        """Tell whether a process has ended; in a forked process, whether its parent has."""
        if self._parent:
            return os.getppid() != self._parent
        try:
            ended = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self._pids[number], ended) is not None
        except ChildProcessError:  # somebody else has waited for it
            return True

    def errors(self) -> list[BaseException]:
        """Wait until all have ended; return the exceptions that they raised."""
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
            with warnings.catch_warnings():  # of libraries' threads: a worker calls NumPy alone
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
            os._exit(code)  # without the interpreter's clean-up, which is the parent's

    def _error_of(self, number: int) -> BaseException | None:
        with open(self._pipes[number], "rb", closefd=False) as pipe:
            words = pipe.read()
        status = 0
        with suppress(ChildProcessError):
            status = os.waitpid(self._pids[number], 0)[1]
        del self._pids[number]
        if words:
            error: BaseException = pickle.loads(words)  # safe, as only our own child writes there
            return error
        code = os.waitstatus_to_exitcode(status)
        if code == -signal.SIGKILL:
            return MLPError(
                "a process of the training was killed, as by the system when out of memory; free "
                f"memory, {ON_ONE_CORE}"
            )
        if code:
            return RuntimeError(f"a process of the training ended with {code}; {AGAIN}")
        return None


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Hold back an interrupt until the block has ended."""
    caught = []
    handler = signal.signal(signal.SIGINT, lambda *arguments: caught.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if caught and callable(handler):
        handler(*caught[0])


def _packed(error: BaseException) -> bytes:
    """Pickle an exception with its traceback as a note; else a RuntimeError with the traceback."""
    where = "".join(traceback.format_exception(error))
    try:
        error.add_note(where)
        words = pickle.dumps(error)
        pickle.loads(words)
    except Exception:
        words = pickle.dumps(RuntimeError(where))
    return words
