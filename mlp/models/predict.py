"""Prediction: the outputs, probabilities and answers of a trained network for images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backends import Array
from mlp.common.errors import DataError, ModelError
from mlp.common.threads import blas_threads
from mlp.data.batches import Batches
from mlp.models.metadata import task_of, temperature_of
from mlp.nn.network import MLP


@blas_threads(1)  # more would spin, waiting for one another, if another program has a core
def outputs(model: MLP, batches: Batches) -> NDArray[Any]:
    """Run the network on all images, in micro-batches, so that memory does not grow with N.

    Returns:
        The outputs on the host, shape (N, C).
    """
    result = np.empty((len(batches), model.sizes[-1]), model.dtype)  # (N, C)
    for start, stop in batches.micro_batches(0, len(batches)):
        x, _ = batches.slice(start, stop)
        result[start:stop] = model.backend.to_numpy(model.forward(x))
    return result


def predict(model: MLP, images: ArrayLike) -> NDArray[Any]:
    """Predict the class of images, or the answers to the questions of a model.

    Args:
        model: a trained network.
        images: shape (N, height, width) or (N, I), as an array or nested lists; a single image of
            shape (height, width) or (I,) is read as one of N = 1, and no images give no answers.
            Whole numbers run from 0, which is paper, to 255, which is ink; floats from 0 to 1, or
            from 0 to 255 where all of them are whole.

    Returns:
        The class of each, int64 of shape (N,); where the model answers L yes-or-no questions, the
        answers, uint8 of shape (N, L).

    Raises:
        ModelError: if the images have another size than the network's input.
        DataError: if the images hold anything but numbers in one of these ranges.
    """
    answers: NDArray[Any] = decide(model, outputs(model, _batches(model, images)))
    return answers


def probabilities(model: MLP, images: ArrayLike) -> NDArray[np.float64]:
    """Predict probabilities; the arguments and errors are those of `predict`.

    Returns:
        The probability of each class or of each yes, shape (N, C), calibrated where the model
        was trained with a validation split; see `probabilities_of`.
    """
    return probabilities_of(model, outputs(model, _batches(model, images)))


def vote(models: Sequence[MLP], images: ArrayLike) -> NDArray[np.float64]:
    """Average the predictions of several models of one task; for the images, see `predict`.

    Returns:
        The mean of their `probabilities`, shape (N, C).
    """
    mean: NDArray[np.float64] = np.mean([probabilities(m, images) for m in models], axis=0)
    return mean


def decide(model: MLP, outputs: Array) -> Array:
    """Turn a model's outputs, shape (N, C), into answers on their device; see `Task.decide`."""
    return task_of(model).decide(outputs, logits=model.output == "identity")


def probabilities_of(model: MLP, outputs: NDArray[Any]) -> NDArray[np.float64]:
    """Turn a model's outputs, shape (N, C), into probabilities at its temperature.

    See `mlp.data.task.Task.probabilities`.
    """
    return task_of(model).probabilities(
        outputs, logits=model.output == "identity", temperature=temperature_of(model)
    )


def check_fits(model: MLP, pixels: int, classes: int) -> None:
    """Refuse data that the network is not made for.

    Raises:
        ModelError: if the number of pixels or classes differs from the network's widths.
    """
    if (pixels, classes) != (model.sizes[0], model.sizes[-1]):
        raise ModelError(
            f"the model maps {model.sizes[0]} pixels to {model.sizes[-1]} classes, but the data "
            f"has {pixels} pixels and {classes} classes: use the data that the model was made for"
        )


def _batches(model: MLP, images: ArrayLike) -> Batches:
    pixels, inputs = _as_pixels(images), model.sizes[0]
    if pixels.size == 0:
        pixels = np.empty((0, inputs), np.uint8)
    elif pixels.size == inputs and pixels.ndim <= 2:  # a single image, as a rectangle or flat
        pixels = pixels.reshape(1, inputs)
    size = math.prod(pixels.shape[1:]) if pixels.ndim > 1 else pixels.size
    check_fits(model, size, model.sizes[-1])
    return Batches(pixels, np.zeros(len(pixels), np.int64), model)


def _as_pixels(images: ArrayLike) -> NDArray[Any]:
    """Return images in their shape: as uint8 from 0 to 255, or as floats from 0 to 1.

    Raises:
        DataError: if the values are in no range that `predict` takes.
    """
    try:
        pixels = np.asarray(images)
    except (TypeError, ValueError) as error:  # rows of different lengths, or arrays on a GPU
        raise DataError(f"the images do not make one array of numbers ({error})") from None
    if pixels.dtype == np.uint8 or pixels.size == 0:
        return pixels
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind in "iu" and pixels.min() >= 0 and pixels.max() <= 255:
        return pixels.astype(np.uint8)
    if pixels.dtype.kind == "f" and pixels.min() >= 0:  # not where one is NaN
        if pixels.max() <= 1:  # bytes divided by 255 are read to the bit as the bytes
            scaled = np.multiply(pixels, 255, dtype=np.float64)
            whole = np.rint(scaled)
            return whole.astype(np.uint8) if np.allclose(scaled, whole, 0, 1e-4) else pixels
        if pixels.max() <= 255 and (pixels == np.floor(pixels)).all():
            return pixels.astype(np.uint8)
    raise DataError(
        f"images of dtype {pixels.dtype} hold values that are no pixels: give whole numbers from "
        "0 to 255 or floats from 0 to 1"
    )
