"""A look into a network at work: how its units respond to some images, and which have stopped to.

A unit is dead if it answers alike to every image, as a ReLU does that is 0 for all: its weights
get no gradient any more. It is saturated if it is nearly always at an end of its range, as sigmoid
and tanh are for large sums: its gradient is next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.models.metadata import task_of
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP

BINS = 24

NEAR_AN_END, NEARLY_ALWAYS = 0.01, 0.95
"""Of a unit that is saturated: how near to an end, as a share of its range, and how often."""

RANGES = {"Sigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0)}
"""The layers whose values have two ends."""


@dataclass(frozen=True)
class Histogram:
    """How often values fall into equal parts of a range.

    Attributes:
        low, high: the ends of the range.
        counts: `BINS` of them.
    """

    low: float
    high: float
    counts: list[int]


@dataclass(frozen=True)
class LayerInsight:
    """One linear layer and what follows it.

    Attributes:
        name: what follows the linear layer, such as ``ReLU()``.
        units: how many there are.
        dead, saturated: the numbers of such units; of a last layer none are told.
        activations: of the values that the layer puts out.
        gradients: of the gradient of its weights.
    """

    name: str
    units: int
    dead: list[int]
    saturated: list[int]
    activations: Histogram
    gradients: Histogram


@dataclass(frozen=True)
class Insight:
    """What a network makes of some images.

    Attributes:
        layers: an entry for each linear layer.
        probabilities: shape (N, C).
        loss: the mean loss.
    """

    layers: list[LayerInsight]
    probabilities: NDArray[np.float64]
    loss: float


def look_into(model: MLP, loss: str, x: NDArray[Any], labels: NDArray[Any]) -> Insight:
    """Let a network answer for some images, and take the gradient, without changing it.

    Args:
        model: the network; its gradients are overwritten.
        loss: one of `mlp.nn.losses.LOSSES`.
        x: the images as it reads them, shape (N, I).
        labels: shape (N,) or (N, L).
    """
    backend, to_numpy = model.backend, model.backend.to_numpy
    criterion = LOSSES.make(loss, model.sizes[-1], backend, model.dtype)
    y = backend.asarray(x, model.dtype)  # (N, I)
    outputs = []
    for block in model.blocks:
        for layer in block:
            y = layer.forward(y)
        outputs.append(np.array(to_numpy(y)))  # (N, O)
    wide = np.int64 if labels.ndim == 1 else model.dtype
    value = criterion.forward(y, backend.asarray(labels.astype(wide)))
    dy = criterion.backward()
    for layer in reversed(model.layers):
        dy = layer.backward(dy)
    last = len(model.blocks) - 1
    layers = [
        _insight(block[-1], values, to_numpy(linear.dW), is_last=k == last)
        for k, (block, values, linear) in enumerate(
            zip(model.blocks, outputs, model.linear, strict=True)
        )
    ]
    probabilities = task_of(model).probabilities(
        outputs[-1].astype(np.float64), logits=model.output == "identity"
    )
    return Insight(layers, probabilities, float(to_numpy(value).item()))


def histogram(values: NDArray[Any], bins: int = BINS) -> Histogram:
    """Count values in equal parts of the range that 99.8 % of them fill; the rest is at its ends.

    Values that are not finite do not count.
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return Histogram(0.0, 0.0, [0] * bins)
    low, high = np.percentile(finite, (0.1, 99.9))
    if not low < high:
        low, high = finite.min(), finite.max()
    if not low < high:
        low, high = low - 0.5, high + 0.5
    counts, _ = np.histogram(np.clip(finite, low, high), bins, (low, high))
    return Histogram(float(low), float(high), counts.tolist())


def _insight(layer: Any, values: NDArray[Any], dW: NDArray[Any], *, is_last: bool) -> LayerInsight:
    dead = saturated = np.zeros(values.shape[1], dtype=bool)
    kind = type(layer).__name__
    if not is_last:
        dead = np.ptp(values, axis=0) <= 1e-7 * np.maximum(1.0, np.abs(values).max(axis=0))
    if not is_last and kind in RANGES:
        low, high = RANGES[kind]
        near = np.minimum(values - low, high - values) <= NEAR_AN_END * (high - low)
        saturated = near.mean(axis=0) >= NEARLY_ALWAYS
        dead = dead & ~saturated
    return LayerInsight(
        repr(layer),
        values.shape[1],
        np.flatnonzero(dead).tolist(),
        np.flatnonzero(saturated).tolist(),
        histogram(values),
        histogram(dW),
    )
