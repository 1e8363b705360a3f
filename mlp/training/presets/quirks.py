"""What one published program does and no other: registered when a preset of it is loaded.

Each is a name in a registry, so that the presets reproduce these programs to the figure, and nobody
who does not ask for them meets them among the choices.
"""

from __future__ import annotations

import math
from typing import Any

from mlp.nn.initializers import INITIALIZERS, at_least_0


@INITIALIZERS.register("normal_fan_out")
def normal_fan_out(
    rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int, *, gain: float
) -> Any:
    """N(0, gain / fan_out): the variance that fits the transposed matrix (three-hundred-lines)."""
    return rng.normal(0.0, math.sqrt(at_least_0("normal_fan_out", gain) / fan_out), shape)


@INITIALIZERS.register("uniform_fan_in")
def uniform_fan_in(
    rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int, *, gain: float
) -> Any:
    """U(-b, b) with b = √(gain / fan_in), PyTorch's old start of a linear layer."""
    bound = math.sqrt(at_least_0("uniform_fan_in", gain) / fan_in)
    return rng.uniform(-bound, bound, shape)
