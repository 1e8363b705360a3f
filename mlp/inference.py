"""What a trained network says of images: outputs, probabilities and digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.batches import Batches
from mlp.errors import ModelError
from mlp.network import MLP


def outputs(model: MLP, batches: Batches) -> NDArray[Any]:
    """Run the network over all images, in pieces, so that memory does not grow with their number.

    Returns:
        The outputs on the host, shape (N, C).
    """
    result = np.empty((len(batches), model.sizes[-1]), model.dtype)  # (N, C)
    for start, stop in batches.pieces(0, len(batches)):
        x, _ = batches.slice(start, stop)
        result[start:stop] = model.backend.to_numpy(model.forward(x))
    return result


def predict(model: MLP, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Read images.

    Args:
        model: a trained network.
        images: uint8, shape (N, height, width) or (N, I), 0 is paper and 255 is ink.

    Returns:
        The class of each, shape (N,).

    Raises:
        ModelError: if the images have another size than the network's input.
    """
    return predicted_classes(outputs(model, _batches(model, images)))


def probabilities(model: MLP, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Read images; the arguments and errors are those of `predict`.

    Returns:
        The probability of each class, shape (N, C): the softmax of the logits, or the outputs
        themselves, scaled to sum to 1, where the network ends in an activation.
    """
    values = outputs(model, _batches(model, images)).astype(np.float64)  # (N, C)
    if model.output == "identity":
        values = np.exp(values - values.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = values / values.sum(axis=1, keepdims=True)
    return shares


def predicted_classes(outputs: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class with the largest output of each row of (N, C)."""
    classes: NDArray[np.int64] = outputs.argmax(axis=1)
    return classes


def check_fits(model: MLP, pixels: int, classes: int) -> None:
    """Refuse data that the network is not made for.

    Raises:
        ModelError: if the images' or the labels' number differs from the network's widths.
    """
    if (pixels, classes) != (model.sizes[0], model.sizes[-1]):
        raise ModelError(
            f"the model maps {model.sizes[0]} pixels to {model.sizes[-1]} classes, but the data "
            f"has {pixels} pixels and {classes} classes: use the data that the model was made for"
        )


def _batches(model: MLP, images: NDArray[np.uint8]) -> Batches:
    check_fits(model, images[0].size, model.sizes[-1])
    return Batches(images, np.zeros(len(images), np.int64), model)
