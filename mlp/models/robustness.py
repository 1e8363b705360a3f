"""How well a network reads images that were made harder to read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.rng import generator
from mlp.data.disturb import DISTURBANCES
from mlp.models.metadata import task_of
from mlp.models.predict import vote
from mlp.nn.network import MLP

AT_ONCE = 1000
"""Images that are disturbed together, in some tens of megabytes."""

Curve = dict[float, float]
"""The share of images that are answered correctly, 0 to 1, by the amount of a disturbance."""


def robustness(
    model: MLP, images: NDArray[np.uint8], labels: NDArray[Any], kind: str, seed: int = 0
) -> Curve:
    """Measure a network on disturbed images.

    Of several questions about an image, all have to be answered correctly.

    Args:
        model: the network; it answers classes or questions.
        images: shape (N, height, width).
        labels: of its own task, shape (N,) or (N, L).
        kind: one of `mlp.data.disturb.DISTURBANCES`.
        seed: of the noise, which is the same for each amount.

    Returns:
        The accuracy at each of its amounts.
    """
    disturbance, task = DISTURBANCES[kind], task_of(model)
    curve = {}
    for amount in disturbance.amounts:
        rng, correct = generator(seed, "disturb"), 0
        for start in range(0, len(images), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            disturbed = disturbance.apply(images[rows], amount, rng)
            with np.errstate(all="ignore"):  # weights of any size are to be shown
                answers = task.decide(vote([model], disturbed), logits=False)
            right = (answers == labels[rows]).reshape(len(disturbed), -1).all(axis=1)
            correct += int(right.sum())
        curve[float(amount)] = correct / len(images)
    return curve


def holds(curve: Curve, least: float) -> tuple[float, float] | None:
    """Return the amounts around 0 between which an accuracy holds; None if it does not at 0."""
    if curve[0.0] < least:
        return None
    amounts = sorted(curve)
    low = high = amounts.index(0.0)
    while low > 0 and curve[amounts[low - 1]] >= least:
        low -= 1
    while high + 1 < len(amounts) and curve[amounts[high + 1]] >= least:
        high += 1
    return amounts[low], amounts[high]
