"""Maps on which digits that are alike lie together: t-SNE, where scikit-learn is installed.

Source: van der Maaten and Hinton, Visualizing Data using t-SNE (2008). It gives places to what
it is shown, and no rule for another digit, so the page sets the visitor's among its neighbours.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from mlp.common.errors import UsageError
from mlp.nn.network import MLP
from mlp.web.crowd import Floats, places, values_of

PERPLEXITY = 30.0
"""About how many neighbours each digit keeps near it."""

LEVELS = 127
"""So many levels above 0 and below tell a value: the page looks for neighbours by them."""


def maps_of_neighbours(model: MLP) -> list[str]:
    """Name what digits can be laid out by, so that those alike lie together; none without it."""
    return [name for name in places(model) if name != "outputs"] if find_spec("sklearn") else []


def neighbours_values(model: MLP, by: str) -> Floats:
    """Return the values that digits are to be laid out by, shape (N, F).

    Args:
        model: the network.
        by: one of `maps_of_neighbours`.

    Raises:
        UsageError: if there is nothing of that name, or all digits are alike in it.
    """
    if by not in maps_of_neighbours(model):
        raise UsageError("this network has no such map: load the page again")
    values = values_of(model, by)
    if not np.ptp(values, axis=0).any():
        raise UsageError(f"all digits are alike in this network's {by}")
    return values


def neighbours_payload(values: Floats) -> dict[str, Any]:
    """Lay the digits out by what they are alike in, which takes seconds.

    Args:
        values: from `neighbours_values`.

    Returns:
        ``points``, shape (N, 2); and ``rows``, the values by which they were laid out, as bytes of
        integers with a sign in base 85, shape (N, F), in units of ``unit``.
    """
    largest = float(np.abs(values).max())
    points = _laid_out((values / largest).tobytes(), values.shape)
    unit = largest / LEVELS
    rows = np.rint(values / unit).astype(np.int8)
    return {
        "points": points.tolist(),
        "rows": base64.b85encode(rows.tobytes()).decode("ascii"),
        "unit": unit,
    }


@lru_cache(8)
def _laid_out(content: bytes, shape: tuple[int, int]) -> Floats:
    from sklearn.manifold import TSNE  # which takes a while
    from threadpoolctl import threadpool_limits

    values = np.frombuffer(content).reshape(shape)
    start = "pca" if shape[1] > 2 else "random"
    layout = TSNE(2, perplexity=PERPLEXITY, init=start, random_state=0, n_jobs=1)
    with threadpool_limits(1):  # more would spin, waiting for one another, if cores are taken
        points: Floats = layout.fit_transform(values).astype(np.float64)
    return points
