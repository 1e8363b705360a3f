"""How the learning rate changes over a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from mlp.common.errors import UsageError
from mlp.common.registry import Registry

SCHEDULES: Registry[Callable[..., float]] = Registry("schedule")
"""Each returns the learning rate as a fraction of its peak: from ``time``, the epochs done so far,
and from ``s``, which runs from 0 at the end of the warm-up to 1 at the end of the run."""


@SCHEDULES.register("constant")
def constant(s: float, time: float) -> float:
    """1."""
    return 1.0


@SCHEDULES.register("step")
def step(s: float, time: float, *, every: float, factor: float) -> float:
    """factor^⌊time / every⌋."""
    if not (every > 0 and 0 < factor <= 1):
        raise UsageError(
            f"schedule 'step({every:g}, {factor:g})' needs an interval above 0 epochs and a factor "
            "above 0, up to 1, as in step(5, 0.5)"
        )
    return float(factor ** (time // every))


@SCHEDULES.register("linear")
def linear(s: float, time: float) -> float:
    """1 - s."""
    return 1.0 - s


@SCHEDULES.register("cosine")
def cosine(s: float, time: float) -> float:
    """½ (1 + cos(π s)); Loshchilov and Hutter, 2017, equation 5."""
    return 0.5 * (1.0 + math.cos(math.pi * s))


def learning_rate(schedule: str, lr: float, warmup: float, epochs: int, time: float) -> float:
    """Compute the learning rate at a point of a run.

    During warm-up it rises linearly from 0 to the peak; what follows depends on the schedule.

    Args:
        schedule: one of `SCHEDULES`, as the user writes it.
        lr: the peak.
        warmup: the length of the warm-up, in epochs.
        epochs: the length of the run, in epochs.
        time: the point, in epochs from the start; for a step, that of its middle.

    Raises:
        UsageError: if there is no such schedule, or its numbers make none.
    """
    function, numbers = _parse(schedule)
    if time < warmup:
        return lr * time / warmup
    s = min((time - warmup) / max(epochs - warmup, 1e-9), 1.0)
    return lr * function(s, time, **numbers)


def epoch_learning_rates(
    schedule: str, lr: float, warmup: float, epochs: int, epoch: int, steps: int
) -> list[float]:
    """Compute the learning rate of each of an epoch's ``steps`` updates; epochs count from 0."""
    times = [epoch + (step + 0.5) / steps for step in range(steps)]
    return [learning_rate(schedule, lr, warmup, epochs, time) for time in times]


@cache  # a run asks for the learning rate of each step
def _parse(schedule: str) -> tuple[Callable[..., float], dict[str, float]]:
    function, numbers = SCHEDULES.parse(schedule)
    function(0.0, 0.0, **numbers)  # refuses numbers that make no schedule
    return function, numbers
