"""How weights start. All are drawn in float64 on the host, so that every device starts alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from mlp.common.errors import UsageError
from mlp.common.registry import Registry

INITIALIZERS: Registry[Callable[..., Any]] = Registry("initialisation")
"""Each draws an array of a shape, float64 on the host, with a `numpy.random.Generator`, for a layer
of ``fan_in`` inputs and ``fan_out`` outputs."""


@INITIALIZERS.register("he_normal")
def he_normal(rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Any:
    """N(0, σ²) with σ² = 2 / fan_in; He et al., 2015, equation 10."""
    return rng.normal(0.0, math.sqrt(2.0 / fan_in), shape)


@INITIALIZERS.register("he_uniform")
def he_uniform(rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Any:
    """U(-b, b) of the variance b² / 3 = 2 / fan_in; He et al., 2015, equation 10."""
    bound = math.sqrt(3.0) * math.sqrt(2.0 / fan_in)
    return rng.uniform(-bound, bound, shape)


@INITIALIZERS.register("glorot_normal")
def glorot_normal(rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Any:
    """N(0, σ²) with σ² = 2 / (fan_in + fan_out); Glorot and Bengio, 2010, equation 12."""
    return rng.normal(0.0, math.sqrt(2.0 / (fan_in + fan_out)), shape)


@INITIALIZERS.register("glorot_uniform")
def glorot_uniform(rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Any:
    """U(-b, b) with b² / 3 = 2 / (fan_in + fan_out); Glorot and Bengio, 2010, equation 16."""
    bound = math.sqrt(3.0) * math.sqrt(2.0 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, shape)


@INITIALIZERS.register("lecun_normal")
def lecun_normal(rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Any:
    """N(0, σ²) with σ² = 1 / fan_in; LeCun et al., 1998, equation 16."""
    return rng.normal(0.0, math.sqrt(1.0 / fan_in), shape)


@INITIALIZERS.register("lecun_uniform")
def lecun_uniform(rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Any:
    """U(-b, b) with b² / 3 = 1 / fan_in; LeCun et al., 1998, equation 16."""
    bound = math.sqrt(3.0) * math.sqrt(1.0 / fan_in)
    return rng.uniform(-bound, bound, shape)


@INITIALIZERS.register("uniform")
def uniform(
    rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int, *, low: float, high: float
) -> Any:
    """U(low, high)."""
    if not 0.0 <= high - low < math.inf:
        raise UsageError(
            f"initialisation 'uniform({low:g}, {high:g})' has its bounds reversed or too far "
            "apart: write the low first"
        )
    return rng.uniform(low, high, shape)


@INITIALIZERS.register("normal")
def normal(rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int, *, std: float) -> Any:
    """N(0, std²)."""
    return rng.normal(0.0, at_least_0("normal", std), shape)


@INITIALIZERS.register("zeros")
def zeros(rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Any:
    """0; it draws as many random numbers as the others, so that later draws stay the same."""
    return rng.uniform(0.0, 0.0, shape)


def at_least_0(name: str, number: float) -> float:
    """Return the number, a spread, if it is at least 0.

    Raises:
        UsageError: if it is negative.
    """
    if number < 0:
        raise UsageError(f"initialisation '{name}({number:g})' needs a number of at least 0")
    return number


def draw(init: str, rng: Any, fan_in: int, fan_out: int, shape: tuple[int, ...]) -> Any:
    """Draw the initial values of one layer's weights or biases.

    Args:
        init: one of `INITIALIZERS`, as the user writes it, such as ``normal(0.01)``.
        rng: a `numpy.random.Generator`.
        fan_in: the layer's number of inputs.
        fan_out: its number of outputs.
        shape: the shape to draw.

    Returns:
        A float64 host array of that shape.

    Raises:
        UsageError: if the name is unknown or its numbers make no distribution.
    """
    initializer, numbers = INITIALIZERS.parse(init)
    return initializer(rng, shape, fan_in, fan_out, **numbers)
