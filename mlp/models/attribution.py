"""Attribution, input × gradient: how much each layer's inputs add to a class, for one image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.data.batches import Batches
from mlp.nn.network import MLP


def contributions(model: MLP, image: NDArray[np.uint8], unit: int) -> list[NDArray[Any]]:
    """Compute how much each layer's inputs add to one output of the network, before its activation.

    It is the input times the gradient of the output: Σⱼ Wᵢⱼ ∂z/∂Wᵢⱼ, which is xᵢ ∂z/∂xᵢ. In a
    network of ReLUs without biases the contributions of each layer sum to z (Ancona and others,
    2018, "Towards better understanding of gradient-based attribution methods for deep neural
    networks").

    Args:
        model: a trained network; its gradients are overwritten.
        image: uint8, of as many pixels as its input has.
        unit: the output z.

    Returns:
        For each linear layer an array on the host, shape (I,).
    """
    backend = model.backend
    x, _ = Batches(image[None], np.zeros(1, np.int64), model).slice(0, 1)  # (1, I)
    dz = np.zeros((1, model.sizes[-1]))
    dz[0, unit] = 1.0
    with np.errstate(all="ignore"):  # any weights must be shown, however large
        model.forward(x)
        dy = backend.asarray(dz, model.dtype)  # (1, C)
        following = len(model.blocks[-1]) - 1  # the layers between z and the network's output
        for layer in reversed(model.layers[: len(model.layers) - following]):
            dy = layer.backward(dy)
        return [backend.to_numpy((linear.W * linear.dW).sum(axis=1)) for linear in model.linear]


def activations(model: MLP, image: NDArray[np.uint8]) -> list[NDArray[Any]]:
    """Run the network on one image; return each block's output, on the host, shape (O,)."""
    x, _ = Batches(image[None], np.zeros(1, np.int64), model).slice(0, 1)  # (1, I)
    kept = []
    for block in model.blocks:
        for layer in block:
            x = layer.forward(x)
        kept.append(model.backend.to_numpy(x)[0].copy())
    return kept
