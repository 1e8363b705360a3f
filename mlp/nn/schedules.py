"""How the learning rate changes over a run."""

from __future__ import annotations

import math
from functools import cache

from mlp.common.errors import UsageError
from mlp.common.spec import parse_spec

CHOICES = {"constant": 0, "step": 2, "linear": 0, "cosine": 0}


def learning_rate(schedule: str, lr: float, warmup: float, epochs: int, time: float) -> float:
    """Compute the learning rate at a point of a run.

    During warm-up it rises linearly from 0 to the peak; what follows depends on the schedule, with
    s running from 0 at the end of the warm-up to 1 at the end of the run:

        constant            lr
        step(every, factor) lr · factor^⌊time / every⌋
        linear              lr · (1 - s)
        cosine              lr · ½ (1 + cos(π s))     (Loshchilov and Hutter, 2017, equation 5)

    Args:
        schedule: one of these, as the user writes it.
        lr: the peak.
        warmup: the length of the warm-up, in epochs.
        epochs: the length of the run, in epochs.
        time: how much of the run is done in the middle of the step in question, in epochs.

    Raises:
        UsageError: if there is no such schedule, or its numbers make none.
    """
    name, numbers = _parse(schedule)
    if time < warmup:
        return lr * time / warmup
    s = min((time - warmup) / max(epochs - warmup, 1e-9), 1.0)
    if name == "step":
        every, factor = numbers
        return lr * float(factor ** (time // every))
    if name == "linear":
        return lr * (1.0 - s)
    if name == "cosine":
        return lr * 0.5 * (1.0 + math.cos(math.pi * s))
    return lr


@cache  # a run asks for the rate of each step
def _parse(schedule: str) -> tuple[str, tuple[float, ...]]:
    name, numbers = parse_spec(schedule, CHOICES, "schedule")
    if name == "step" and not (numbers[0] > 0 and 0 < numbers[1] <= 1):
        raise UsageError(
            f"schedule {schedule!r} needs an interval above 0 epochs and a factor above 0, "
            "up to 1, as in step(5, 0.5)"
        )
    return name, numbers
