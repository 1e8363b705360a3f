"""Whether a network's parameters are finite, told with the losses of an epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.errors import DivergedError
from mlp.nn.network import MLP
from mlp.training.diagnosis import explain_divergence
from mlp.training.recipe import Recipe


class FiniteCheck:
    """Computes 0 where all parameters are finite: only then is the sum of 0 times each 0.

    By a product, which a device has at hand, where it would have to compile a reduction.

    Args:
        model: the network.
        out: where the sum goes, an array of one element.
    """

    def __init__(self, model: MLP, out: Array) -> None:
        self._xp, self._parameters = model.backend.xp, model.parameters.reshape(-1, 1)  # (P, 1)
        self._zeros = self._xp.zeros((1, len(model.parameters)), dtype=model.dtype)
        self._out = out.reshape(1, 1)

    def write(self) -> None:
        """Write the sum for the parameters as they are."""
        self._xp.matmul(self._zeros, self._parameters, out=self._out)


def check_finite(losses: NDArray[Any], are_finite: bool, epoch: int, recipe: Recipe) -> None:
    """Check what an epoch left.

    Args:
        losses: of its updates, each taken before its update, shape (steps,).
        are_finite: whether the parameters after the last update are.
        epoch: the epoch, from 0.
        recipe: the hyperparameters.

    Raises:
        DivergedError: if one is not finite.
    """
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise DivergedError(explain_divergence(losses, int(bad[0]), epoch, recipe))
    if not are_finite:
        raise DivergedError(explain_divergence(losses, len(losses), epoch, recipe))
