"""Successive halving: many runs for a few epochs, and the better ones of them for more.

Jamieson and Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization,
2016, figure 1, with any factor for the half, as Li and others have it (Hyperband, 2018).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mlp.common.errors import UsageError


@dataclass(frozen=True)
class TrialResult:
    """What a trial has come to.

    Attributes:
        trial: its number, from 0.
        epochs: how many it was trained for.
        accuracy: on the validation images, or R²; None where it is not finite.
        loss: the same, of the loss.
        seconds: of training, since its beginning.
        diverged: why the run diverged; None where it did not.
        refused: why its values make no run; None where they make one.
    """

    trial: int
    epochs: int
    accuracy: float | None
    loss: float | None
    seconds: float
    diverged: str | None = None
    refused: str | None = None


def rungs(epochs: int, factor: int, trials: int) -> list[int]:
    """Return after how many epochs trials are compared: at the end, and a factor earlier each.

    Args:
        epochs: of a whole run.
        factor: how many times as long the next rung is, and how many times fewer its trials are; 1
            where all trials run to the end.
        trials: how many there are at first: no rung has less than one.

    Raises:
        UsageError: if the factor is below 1.
    """
    if factor < 1:
        raise UsageError(f"a rung keeps one trial of at least 1, not of {factor}")
    found = [epochs]
    while factor > 1 and found[0] > 1 and trials >= factor:
        found.insert(0, math.ceil(found[0] / factor))
        trials //= factor
    return found


def ranked(results: Iterable[TrialResult], monitor: str) -> list[TrialResult]:
    """Order results, the best first.

    Further rungs come before earlier ones, and those that are lost last. Ties of the accuracy are
    decided by the loss, and what is left by the trials' numbers.

    Args:
        results: one a trial.
        monitor: ``accuracy`` or ``loss``.
    """

    def place(result: TrialResult) -> tuple[bool, int, float, float, int]:
        accuracy = _worst(result.accuracy, -math.inf)
        loss = _worst(result.loss, math.inf)
        first, second = (-accuracy, loss) if monitor == "accuracy" else (loss, -accuracy)
        return is_lost(result), -result.epochs, first, second, result.trial

    return sorted(results, key=place)


def survivors(results: Iterable[TrialResult], factor: int, monitor: str) -> list[int]:
    """Return the trials that go on to the next rung, in the order of their numbers.

    They are the best one of every ``factor``, at least one, but none that is lost.
    """
    order = ranked(results, monitor)
    kept = order[: max(1, len(order) // factor)]
    return sorted(result.trial for result in kept if not is_lost(result))


def is_lost(result: TrialResult) -> bool:
    """Tell whether a run diverged or was refused, or what was measured of it is not finite."""
    measured = (result.accuracy, result.loss)
    failed = result.diverged is not None or result.refused is not None
    return failed or not all(value is not None and math.isfinite(value) for value in measured)


def _worst(value: float | None, worst: float) -> float:
    return value if value is not None and math.isfinite(value) else worst
