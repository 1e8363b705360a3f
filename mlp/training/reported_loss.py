"""Which loss is reported for an epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.registry import Registry

REPORTED_LOSSES: Registry[Callable[[Any, NDArray[Any]], float]] = Registry("reported loss")
"""Each takes the `Trainer` after an epoch, and the losses of its updates, shape (steps,)."""


@REPORTED_LOSSES.register("updates")
def mean_of_updates(trainer: Any, losses: NDArray[Any]) -> float:
    """The mean of the updates' losses, each before its update."""
    del trainer  # the losses suffice
    return float(losses.mean(dtype=np.float64))
