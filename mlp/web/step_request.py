"""What the page of one update asks to see, checked before anything is computed."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import UsageError
from mlp.models.metadata import task_of
from mlp.nn.network import MLP
from mlp.training.one_step import Floats

MOST_LR, MOST_TAKEN = 100.0, 50
"""The largest learning rate, and the most updates before the one that is shown."""


@dataclass(frozen=True)
class StepRequest:
    """What the page asks to see.

    Attributes:
        image: bytes, shape (784,).
        targets: 0 or 1 for each output.
        lr: the learning rate.
        taken: how many updates are made first.
        units: the unit to look at in each linear layer; None for the one that changes most.
    """

    image: NDArray[np.uint8]
    targets: Floats
    lr: float
    taken: int
    units: list[int | None]

    @classmethod
    def read(cls, content: bytes, model: MLP) -> StepRequest:
        """Read what the page sent, for a model.

        Raises:
            UsageError: if it is no such question.
        """
        try:
            told = json.loads(content)
            image, targets, lr, taken, units = (
                told[name] for name in ("image", "targets", "lr", "taken", "units")
            )
            whole = [*image, *targets, taken, *(unit for unit in units if unit is not None)]
            fits = (
                all(type(value) is int for value in whole)
                and len(image) == model.sizes[0]
                and all(0 <= value <= 255 for value in image)
                and len(targets) == model.sizes[-1]
                and set(targets) <= {0, 1}
                and (task_of(model).kind != "multiclass" or sum(targets) == 1)
                and type(lr) in (int, float)
                and 0 < lr <= MOST_LR
                and 0 <= taken <= MOST_TAKEN
                and len(units) == len(model.linear)
                and all(
                    unit is None or 0 <= unit < layer.outputs
                    for unit, layer in zip(units, model.linear, strict=True)
                )
            )
        except (ValueError, TypeError, LookupError, RecursionError):
            fits = False
        if not fits:
            raise UsageError("this is no step that can be shown: load the page again")
        return cls(
            np.array(image, np.uint8), np.array(targets, np.float64), float(lr), taken, units
        )
