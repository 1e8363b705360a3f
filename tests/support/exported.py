"""What a network computes, to hold against what its exported forms do."""

from __future__ import annotations

from typing import Any

import numpy as np
from toys import DATA

from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP

PIXELS = DATA.train.images.reshape(len(DATA.train), -1)  # (60, 16)
OWN_LAYERS = [name for name, kind in LAYERS.items() if kind.__module__.startswith("mlp.")]
MODULES_OF_LAYERS = (
    "mlp.nn.activations",
    "mlp.nn.smooth",
    "mlp.nn.layer_norm",
    "mlp.nn.batch_norm",
)


def raw(model: MLP, pixels: Any = PIXELS) -> Any:
    return model.forward(pixels.astype(model.dtype) / np.asarray(255, model.dtype))


def randomise(model: MLP) -> None:
    """Draw what layers that are not linear have, which starts as ones and zeros."""
    rng = np.random.default_rng(6)
    for name, parameter in model.named_parameters().items():
        if name.count(".") > 2:
            values = rng.normal(1, 0.5, parameter.shape)
            parameter[...] = abs(values) if name.endswith("running_var") else values


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
