"""How weights start. All are drawn in float64 on the host, so that every device starts alike."""

from __future__ import annotations

import math
from typing import Any

from mlp.common.errors import UsageError
from mlp.common.spec import parse_spec

SCALINGS = {"he": (2.0, 1, 0), "glorot": (2.0, 1, 1), "lecun": (1.0, 1, 0)}
"""Variance g / (i·fan_in + o·fan_out), as (g, i, o). He et al., 2015, equation 10; Glorot and
Bengio, 2010, equation 12; LeCun et al., 1998, equation 16."""

CHOICES = {
    **{f"{scaling}_{shape}": 0 for scaling in SCALINGS for shape in ("normal", "uniform")},
    "uniform": 2,
    "uniform_fan_in": 1,
    "normal": 1,
    "normal_fan_out": 1,
    "zeros": 0,
}


def draw(init: str, rng: Any, fan_in: int, fan_out: int, shape: tuple[int, ...]) -> Any:
    """Draw the initial values of one layer's weights or biases.

    Args:
        init: ``he_normal``, ``he_uniform``, the same with ``glorot`` and ``lecun``,
            ``uniform(a, b)``, ``uniform_fan_in(g)`` for U(±√(g / fan_in)), ``normal(σ)``,
            ``normal_fan_out(g)`` for N(0, √(g / fan_out)), or ``zeros``.
        rng: a `numpy.random.Generator`.
        fan_in: the layer's number of inputs.
        fan_out: its number of outputs.
        shape: the shape to draw.

    Returns:
        A float64 host array of that shape.

    Raises:
        UsageError: if the name is unknown or its numbers make no distribution.
    """
    name, numbers = parse_spec(init, CHOICES, "initialisation")
    if name == "zeros":
        return rng.uniform(0.0, 0.0, shape)
    if name == "uniform":
        low, high = numbers
        if not 0.0 <= high - low < math.inf:
            raise UsageError(
                f"initialisation {init!r} has its bounds reversed or too far apart: write the low "
                "first"
            )
        return rng.uniform(low, high, shape)
    if numbers and numbers[0] < 0:
        raise UsageError(f"initialisation {init!r} needs a number of at least 0")
    if name == "normal":
        return rng.normal(0.0, numbers[0], shape)
    if name == "normal_fan_out":
        return rng.normal(0.0, math.sqrt(numbers[0] / fan_out), shape)
    if name == "uniform_fan_in":
        bound = math.sqrt(numbers[0] / fan_in)
        return rng.uniform(-bound, bound, shape)
    scaling, distribution = name.split("_")
    gain, i, o = SCALINGS[scaling]
    std = math.sqrt(gain / (i * fan_in + o * fan_out))
    if distribution == "normal":
        return rng.normal(0.0, std, shape)
    bound = math.sqrt(3.0) * std  # U(-b, b) has the variance b² / 3
    return rng.uniform(-bound, bound, shape)
