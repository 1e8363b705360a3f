"""Some hundred digits that the project draws, beside which the page sets the visitor's own.

They lie on maps by their two principal components: those of their pixels, and of what the network
makes of them; and those that excite a unit most can be asked for.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import UsageError
from mlp.common.threads import blas_threads
from mlp.data.batches import Batches
from mlp.data.dataset import Split
from mlp.data.synthetic import load_synthetic
from mlp.nn.network import MLP

Floats = NDArray[np.float64]

COUNT, SEED = 400, 1
MOST_EXCITING = 6


@cache
def crowd() -> Split:
    """Draw the digits, once."""
    return load_synthetic(1, COUNT, SEED).test


@blas_threads(1)  # more would spin, waiting for one another, if another program has a core
def crowd_payload(model: MLP) -> dict[str, Any]:
    """Lay the digits out on maps.

    Returns:
        ``labels``, what they are; and ``maps`` by what they go by: ``pixels``, where the network
        has a hidden layer ``last hidden layer``, and ``outputs``. See `map_of`.
    """
    maps = {"pixels": _map_of_pixels()}
    maps |= {name: map_of(values_of(model, name)) for name in places(model) if name != "pixels"}
    return {"labels": crowd().labels.tolist(), "maps": maps}


def places(model: MLP) -> list[str]:
    """Name what the digits lie by: pixels, the last hidden layer if there is one, and outputs."""
    return ["pixels", *(["last hidden layer"] if len(model.linear) > 1 else []), "outputs"]


def values_of(model: MLP, by: str) -> Floats:
    """Return the values that digits lie by, shape (N, F).

    Args:
        model: the network.
        by: one of `places`.

    Raises:
        UsageError: if it is none, or the network's numbers are not finite.
    """
    if by not in places(model):
        raise UsageError("this network has no such map: load the page again")
    if by == "pixels":
        return crowd().images.reshape(COUNT, -1) / 255.0
    last = len(model.linear) - 1
    return responses(model, last if by == "outputs" else last - 1)


def map_of(values: Floats) -> dict[str, Any]:
    """Find the two directions in which values differ most, and their places along these.

    Principal component analysis by the singular value decomposition of the centred values
    (Jolliffe, Principal Component Analysis, 2002, section 3.5).

    Args:
        values: shape (N, F).

    Returns:
        ``mean``, shape (F,); ``axes``, shape (2, F), each with its largest element above 0; the
        ``points``, shape (N, 2); and ``share``, how much of the variance the two tell.
    """
    mean = values.mean(axis=0)
    _, sizes, directions = np.linalg.svd(values - mean, full_matrices=False)
    axes = np.zeros((2, values.shape[1]))
    axes[: len(directions[:2])] = directions[:2]
    largest = axes[[0, 1], np.abs(axes).argmax(axis=1)]
    axes *= np.where(largest < 0, -1.0, 1.0)[:, None]
    total = max(float((sizes**2).sum()), np.finfo(np.float64).tiny)
    return {
        "mean": mean.tolist(),
        "axes": axes.tolist(),
        "points": ((values - mean) @ axes.T).tolist(),
        "share": float((sizes[:2] ** 2).sum()) / total,
    }


@blas_threads(1)
def exciting_payload(model: MLP, layer: int, unit: int) -> dict[str, Any]:
    """Find the digits that a unit responds to most strongly.

    Args:
        model: the network.
        layer: a linear layer, with what follows it, counted from 0.
        unit: one of its outputs, counted from 0.

    Returns:
        ``images``, the most exciting first, bytes in base 85, and their ``responses``.

    Raises:
        UsageError: if there is no such unit.
    """
    if not (0 <= layer < len(model.linear) and 0 <= unit < model.linear[layer].outputs):
        raise UsageError("this network has no such unit: load the page again")
    column = responses(model, layer)[:, unit]
    rows = np.argsort(-column, kind="stable")[:MOST_EXCITING]
    images = [base64.b85encode(crowd().images[row].tobytes()).decode("ascii") for row in rows]
    return {"images": images, "responses": column[rows].tolist()}


def responses(model: MLP, layer: int) -> Floats:
    """Return what a linear layer and what follows it makes of the digits, shape (N, O)."""
    split = crowd()
    x, _ = Batches(split.images, split.labels, model).slice(0, len(split))
    with np.errstate(all="ignore"):  # any weights must be shown, however large
        for block in model.blocks[: layer + 1]:
            for part in block:
                x = part.forward(x)
    y: Floats = model.backend.to_numpy(x).astype(np.float64)
    if not np.isfinite(y).all():
        raise UsageError("the numbers of this network grow beyond all bounds: choose another")
    return y


@cache
def _map_of_pixels() -> dict[str, Any]:
    return map_of(crowd().images.reshape(COUNT, -1) / 255.0)
