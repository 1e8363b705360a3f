"""Signals that ask a training run to end: it ends between two updates, with its state saved."""

from __future__ import annotations

import errno
import os
import signal
import stat
import threading
from contextlib import suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from mlp.training.callbacks import Callback
from mlp.training.history import History

with suppress(ImportError):  # on Windows, which has no SIGHUP either
    import termios

if TYPE_CHECKING:
    from mlp.training.run import Run

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl-C; what an end of the session and most job schedulers send; a terminal that is closed."""


class Signals:
    """While its block runs, the first signal is only noted; the second interrupts at once.

    Later ones are only noted, too, so that what the interrupt leads to is not interrupted itself.

    Outside of the main thread, where Python takes no signals, it notes none. Where a terminal is
    closed, which SIGHUP tells, what the process still writes to it goes nowhere, so that no write
    fails before the state is saved.

    Attributes:
        received: the latest signal; None where there was none.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._may_interrupt = True
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
                if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it for SIGHUP
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    @property
    def exit_code(self) -> int:
        """What a process that ended for the signal exits with: 128 and its number, as shells do."""
        return 128 + (self.received or signal.SIGINT)

    def stopped(self, history: History) -> bool:
        """Tell whether it was a signal that ended a run before its last epoch."""
        return self.received is not None and history.stopped == self.received.name

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == getattr(signal, "SIGHUP", None):
            _let_lost_terminals_go()
        again, self.received = self.received is not None, signal.Signals(number)
        if again and self._may_interrupt:
            self._may_interrupt = False
            raise KeyboardInterrupt

    def hold(self) -> None:
        """Interrupt nothing from here on: what is left must be done, and takes no time."""
        self._may_interrupt = False


def _let_lost_terminals_go() -> None:
    """Point those of stdout and stderr that are a closed terminal at nothing."""
    for descriptor in (1, 2):
        try:
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                termios.tcgetattr(descriptor)
        except termios.error as error:
            if error.args[0] == errno.EIO:
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, descriptor)
                os.close(nothing)
        except OSError:  # it is closed
            continue


class StopOnSignal(Callback):
    """Stops the run between two updates once a signal has come.

    Where a state is to be saved, `Checkpointer` stands before it among the callbacks.
    """

    may_miss = True

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def wants_state(self, run: Run) -> bool:
        return self._signals.received is not None

    def on_state(self, run: Run) -> None:
        if self._signals.received is not None:
            run.stop(self._signals.received.name)

    def on_epoch_end(self, run: Run) -> None:
        if run.epoch < run.recipe.epochs:
            self.on_state(run)
