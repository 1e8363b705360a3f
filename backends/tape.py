"""Capture and replay on the CPU: a step recorded as a flat list of NumPy calls, arguments bound."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Call = Callable[[], Any]


@dataclass(frozen=True, eq=False)
class Wait:
    """A place of a step where a worker waits until all have come there as often.

    Attributes:
        counters: int32 (workers, at least 2), in memory that they share: for each how many such
            places it has reached, and whether it sleeps.
        worker: the number of the one that waits.
        polls: how often it looks at another's counter before it is to sleep.
        begin: waits, all of it in Python.
        finish: does the rest, once this worker is counted and looking was not enough.
    """

    counters: NDArray[np.int32]
    worker: int
    polls: int
    begin: Call
    finish: Call

    def __call__(self) -> None:
        """Wait."""
        self.begin()


class _Recording(threading.local):
    """The calls that this thread has recorded so far; None while it is not recording."""

    calls: list[Call] | None = None


recording = _Recording()


def record(step: Call) -> tuple[Any, list[Call]]:
    """Run a step, and record the array operations that this thread does in it.

    Returns:
        What the step returned, and the calls in their order, arguments bound.

    Raises:
        RuntimeError: if a call has no ``out=``, so that a replay could not repeat it.
    """
    calls: list[Call] = []
    recording.calls = calls
    try:
        return step(), calls
    finally:
        recording.calls = None


def on_replay(function: Call) -> None:
    """Call a host function at this place in each replay of the step that is being captured.

    A capture holds array operations alone; anything else that a step must do each time, such as
    waiting for another worker, is added here. The function is not called now, and is dropped if
    this thread is not recording. For the CPU only: our CUDA graphs hold no host calls.
    """
    if recording.calls is not None:
        recording.calls.append(function)


class Tape:
    """A step that is replayed from its third call on, by repeating the calls of its second.

    Args:
        step: what to repeat; see `backends.base.Backend.capture`.
        shorten: turns the recorded calls into fewer that do the same.
    """

    def __init__(self, step: Call, shorten: Callable[[list[Call]], list[Call]]) -> None:
        self._step, self._shorten = step, shorten
        self._calls: list[Call] = []
        self._result: Any = None
        self._warm = False

    def __call__(self) -> Any:
        """Do the step's array operations and return what the step returned."""
        if self._calls:
            for call in self._calls:
                call()
        elif self._warm:
            self._result, calls = record(self._step)
            self._calls = self._shorten(calls)
        else:
            self._result = self._step()  # makes its buffers, so that they exist when it is recorded
            self._warm = True
        return self._result
