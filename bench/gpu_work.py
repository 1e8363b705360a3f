"""The GPU benchmark's workloads: their operations, their bytes, and how arms are timed in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple

PIXELS, CLASSES = 784, 10
FLOAT = 4  # bytes


@dataclass(frozen=True)
class Work:
    """One epoch of one network in float32.

    Attributes:
        hidden: the widths of the hidden layers.
        batch: images an update.
        images: images an epoch.
    """

    hidden: tuple[int, ...]
    batch: int | Literal["full"]
    images: int

    @property
    def network(self) -> str:
        """Its widths, such as 784-128-10."""
        return "-".join(map(str, (PIXELS, *self.hidden, CLASSES)))

    @property
    def flop(self) -> float:
        """Floating-point operations: three products a layer, and two in the first."""
        weights = [i * o for i, o in pairwise((PIXELS, *self.hidden, CLASSES))]
        return 2.0 * self.images * (3 * sum(weights) - weights[0])

    @property
    def bytes(self) -> float:
        """What must cross the memory: the images twice, and six arrays of each hidden layer's size.

        These are its products, its activations and their gradients, each written and read once.
        """
        return float(FLOAT * self.images * (2 * PIXELS + 6 * sum(self.hidden)))


class Arm(NamedTuple):
    """One way to do the work: an epoch, and waiting for the device to be done."""

    name: str
    precision: str
    epoch: Callable[[], Any]
    wait: Callable[[], Any]


def seconds_a_call(call: Callable[[], Any], wait: Callable[[], Any], least: float) -> float:
    """Call until so many seconds have passed, waiting for the device at the end alone.

    The number of calls is doubled until the time is reached, so that looking at the clock does
    not keep the host from running ahead of the device.

    Returns:
        Seconds a call, in the last and longest run.
    """
    calls = 1
    while True:
        wait()
        start = time.perf_counter()
        for _ in range(calls):
            call()
        wait()
        seconds = time.perf_counter() - start
        if seconds >= least:
            return seconds / calls
        calls = max(2 * calls, int(calls * least / max(seconds, 1e-9)) + 1)


def spread(times: Sequence[float]) -> dict[str, Any]:
    """Summarise repeated times as they stand in a row."""
    return {
        "median": statistics.median(times),
        "min": min(times),
        "max": max(times),
        "repeats": len(times),
    }


def interleave(
    arms: Sequence[Arm], repeats: int, least: float, late: Callable[[], bool]
) -> dict[str, list[float]]:
    """Time the arms in turn, so that what disturbs the machine disturbs all of them.

    Args:
        arms: the arms; each is warmed by three epochs first.
        repeats: rounds.
        least: seconds that an arm's turn takes at least.
        late: whether to stop after this round.

    Returns:
        Seconds an epoch of each arm and round.
    """
    for arm in arms:
        for _ in range(3):  # the first makes what the second records and the third replays
            arm.epoch()
        arm.wait()
    times: dict[str, list[float]] = {arm.name: [] for arm in arms}
    for _ in range(repeats):
        for arm in arms:
            times[arm.name].append(seconds_a_call(arm.epoch, arm.wait, least))
        if late():
            break
    return times
