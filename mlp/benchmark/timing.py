"""The clock: how long a call takes, and how several ways to do the same are timed in turn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

T = TypeVar("T")
Call = Callable[[], Any]

MOST_GROWTH = 100
"""By how much the number of calls grows at most between two tries; a first call may seem free."""


@dataclass(frozen=True)
class Timing:
    """The seconds of one call on a device, measured once in each of its turns."""

    device: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over the turns."""
        return median(self.seconds)

    def times_as_fast(self, other: Timing) -> float:
        """Return how many times as fast this device is, as a ratio of medians."""
        return other.median / self.median

    def overlaps(self, other: Timing) -> bool:
        """Return whether a turn of the slower device was as fast as one of the faster device."""
        return max(min(self.seconds), min(other.seconds)) <= min(
            max(self.seconds), max(other.seconds)
        )


def seconds_per_call(call: Call, wait: Call, calls: int = 1) -> float:
    """Time some calls in a row and return the seconds of one, their mean.

    Args:
        call: what to time; it may return before the device has done the work.
        wait: waits until the device has done all its work. It is called before the clock starts
            and before it stops, not in between, so that the host can run ahead of the device.
        calls: how many.
    """
    wait()
    start = time.perf_counter()
    for _ in range(calls):
        call()
    wait()
    return (time.perf_counter() - start) / calls


def calls_lasting(seconds: float, call: Call, wait: Call) -> int:
    """Find how many calls in a row take at least so many seconds.

    The arguments are those of `seconds_per_call`.
    """
    calls = 1
    while (taken := calls * seconds_per_call(call, wait, calls)) < seconds:
        needed = math.ceil(calls * seconds / max(taken, 1e-9))
        calls = min(max(2 * calls, needed), MOST_GROWTH * calls)
    return calls


def take_turns(
    turns: Sequence[Callable[[], float]],
    repeats: int,
    on_repeat: Callable[[int], object] = lambda _: None,
    is_over: Callable[[], bool] = lambda: False,
) -> list[tuple[float, ...]]:
    """Let each have its turn in every round, so that what slows the machine down slows all.

    Args:
        turns: for each contender, what runs one turn and returns its seconds.
        repeats: the number of rounds. Each begins with another contender.
        on_repeat: called with the number of each round, from 0, before it begins.
        is_over: asked before each turn but a contender's first; if it says yes, none follows.

    Returns:
        For each contender, the seconds of its turns.
    """
    seconds: list[list[float]] = [[] for _ in turns]
    for repeat in range(repeats):
        on_repeat(repeat)
        for k in rotated(range(len(turns)), repeat):
            if seconds[k] and is_over():
                return [tuple(each) for each in seconds]
            seconds[k].append(turns[k]())
    return [tuple(each) for each in seconds]


def rotated(items: Sequence[T], by: int) -> list[T]:
    """Begin with another item each time, so that none always follows the same one."""
    by %= max(len(items), 1)
    return [*items[by:], *items[:by]]
