"""What one fit's optimizer leaves to the next, and the learning rates that scikit-learn lowers."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from mlp.training.callbacks import Callback
from mlp.training.run import Run

INVSCALING, ADAPTIVE = "invscaling", "adaptive"

LOWERED = (INVSCALING, ADAPTIVE)
"""Learning rates that are lowered between epochs, by scikit-learn's names. What they go by, the
samples seen and what comes of the epochs, no schedule of a recipe knows."""

FIFTH = 5.0
"""By what an adaptive rate is divided."""

TOO_SMALL = 1e-6
"""An adaptive rate of this is lowered no further."""


class OptimizerState(Callback):
    """Lets the optimizer of a run go on from where that of an earlier one was.

    Of ``invscaling``, the learning rate after t samples is the given one over (t + 1)^power; of
    ``adaptive``, it is divided by 5 where a run would stop for want of progress.

    Args:
        lowered: one of `LOWERED`; any other name for a rate that only a recipe lowers.
        power: of ``invscaling``.
        seen: the samples that the network has learnt from already.

    Attributes:
        arrays: what one update leaves to the next, by name, on the host; empty before the first.
        divisor: what the given learning rate is divided by in the next epoch.
        learning_rate: of that epoch, before a recipe's schedule; NaN before there was a run.
        is_adaptive: whether it is lowered for want of progress.
    """

    def __init__(self, lowered: str = "constant", power: float = 0.5, seen: int = 0) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self.divisor, self.learning_rate = 1.0, math.nan
        self.is_adaptive = lowered == ADAPTIVE
        self._power, self._seen = power if lowered == INVSCALING else None, seen

    def on_epoch_begin(self, run: Run) -> None:
        backend = run.model.backend
        for name, array in self.arrays.items():
            backend.xp.copyto(run.trainer.executor.optimizer_state[name], backend.asarray(array))
        run.trainer.lr_factor = 1.0 / self.divisor
        self.learning_rate = run.recipe.lr / self.divisor

    def on_epoch_end(self, run: Run) -> None:
        self._seen += len(run.trainer.batches)
        if self._power is not None:
            self._divide(run, (self._seen + 1) ** self._power)
        to_numpy = run.model.backend.to_numpy
        state = run.trainer.executor.optimizer_state
        self.arrays = {name: to_numpy(array).copy() for name, array in state.items()}

    def slow_down(self, run: Run) -> bool:
        """Lower an adaptive learning rate; return whether it was one, and not too small yet."""
        if not self.is_adaptive or self.learning_rate <= TOO_SMALL:
            return False
        self._divide(run, FIFTH * self.divisor)
        return True

    def _divide(self, run: Run, divisor: float) -> None:
        """Change the learning rate, but not what the steps so far add to the next ones.

        In scikit-learn the rate is a part of the velocity.
        """
        velocity = run.trainer.executor.optimizer_state.get("velocity")
        if velocity is not None:
            run.model.backend.xp.multiply(velocity, divisor / self.divisor, out=velocity)
        self.divisor, self.learning_rate = divisor, run.recipe.lr / divisor
