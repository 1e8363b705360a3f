"""What a trained network says of images: outputs, probabilities and digits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.errors import ModelError
from mlp.common.threads import blas_threads
from mlp.data.batches import Batches
from mlp.models.metadata import task_of, temperature_of
from mlp.nn.network import MLP


@blas_threads(1)  # more would wait for each other, spinning, where something else has a core
def outputs(model: MLP, batches: Batches) -> NDArray[Any]:
    """Run the network over all images, in pieces, so that memory does not grow with their number.

    Returns:
        The outputs on the host, shape (N, C).
    """
    result = np.empty((len(batches), model.sizes[-1]), model.dtype)  # (N, C)
    for start, stop in batches.micro_batches(0, len(batches)):
        x, _ = batches.slice(start, stop)
        result[start:stop] = model.backend.to_numpy(model.forward(x))
    return result


def predict(model: MLP, images: NDArray[np.uint8]) -> NDArray[Any]:
    """Read images.

    Args:
        model: a trained network.
        images: uint8, shape (N, height, width) or (N, I), 0 is paper and 255 is ink.

    Returns:
        The class of each, int64 of shape (N,); where the model answers L yes-or-no questions, the
        answers, uint8 of shape (N, L).

    Raises:
        ModelError: if the images have another size than the network's input.
    """
    answers: NDArray[Any] = decide(model, outputs(model, _batches(model, images)))
    return answers


def probabilities(model: MLP, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Read images; the arguments and errors are those of `predict`.

    Returns:
        The probability of each class or of each yes, shape (N, C), calibrated where the model
        was trained with a validation split; see `shares_of`.
    """
    return shares_of(model, outputs(model, _batches(model, images)))


def vote(models: Sequence[MLP], images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Let models that answer the same read images; the arguments are otherwise those of `predict`.

    Returns:
        The mean of their `probabilities`, shape (N, C).
    """
    mean: NDArray[np.float64] = np.mean([probabilities(m, images) for m in models], axis=0)
    return mean


def decide(model: MLP, outputs: Array) -> Array:
    """Turn a model's outputs (N, C) into answers on their device; see `Task.decide`."""
    return task_of(model).decide(outputs, logits=model.output == "identity")


def shares_of(model: MLP, outputs: NDArray[Any]) -> NDArray[np.float64]:
    """Turn a model's outputs (N, C) into probabilities at its temperature.

    See `mlp.data.task.Task.probabilities`.
    """
    return task_of(model).probabilities(
        outputs, logits=model.output == "identity", temperature=temperature_of(model)
    )


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
