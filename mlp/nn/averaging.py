"""Averages of the parameters over a run, which often generalise better than the final ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mlp.common.errors import UsageError
from mlp.common.registry import Registry


class Averaging(NamedTuple):
    """How an average follows the parameters: a ← a + w · (p - a), with the weight w of the newest.

    One of the two is None.
    """

    of_update: float | None
    """w after each update."""
    of_epoch: Callable[[int], float] | None
    """w after an epoch, given its number from 1."""


AVERAGES: Registry[Callable[..., Averaging]] = Registry("average")
"""The averages by name."""


@AVERAGES.register("ema")
def ema(*, decay: float = 0.999) -> Averaging:
    """The exponential moving average of all updates: a ← decay · a + (1 - decay) · p.

    Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging (1992), with
    weights that fall off.
    """
    if not 0 < decay < 1:
        raise UsageError(f"the decay of average ema must be above 0 and below 1, not {decay:g}")
    return Averaging(1.0 - decay, None)


@AVERAGES.register("swa")
def swa(*, start: float) -> Averaging:
    """The mean over the ends of the epochs from ``start`` on, counted from 1.

    Before that, the parameters themselves. The running statistics of ``batch_norm`` are averaged
    with them, where the paper computes them anew in a pass over the images. Source: Izmailov et
    al., Averaging Weights Leads to Wider Optima and Better Generalization (2018), algorithm 1.
    """
    if start < 1 or start % 1:
        raise UsageError(f"average swa starts with an epoch, from 1 on, not {start:g}")
    return Averaging(None, lambda epoch: 1.0 / max(1.0, epoch - start + 1.0))
