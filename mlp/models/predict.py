"""Prediction: the outputs, probabilities and answers of a trained network for images."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backends import Array
from mlp.common.errors import DataError, ModelError
from mlp.common.threads import blas_threads
from mlp.data.batches import Batches
from mlp.data.formats.categories import values_of
from mlp.data.formats.row_columns import named_features
from mlp.data.frames import is_frame, is_row, table_of
from mlp.data.inputs import Columns, Pixels
from mlp.data.ranges import SHARES, range_for, told_inverted
from mlp.data.unlike import told_unlike
from mlp.models.metadata import inputs_of, task_of, temperature_of
from mlp.nn.network import MLP

GIVEN = "the given images"
"""What messages call them."""


@blas_threads(1)  # more would spin, waiting for one another, if another program has a core
def outputs(model: MLP, batches: Batches, ends: Sequence[int] = ()) -> NDArray[Any]:
    """Run the network on all images, in micro-batches, so that memory does not grow with N.

    Args:
        model: the network.
        batches: its images.
        ends: where groups of them end, in order. Each goes through the network by itself, since
            the last bits of a product depend on its number of rows.

    Returns:
        The outputs on the host, shape (N, C).
    """
    return run(model, batches, ends)


def run(model: MLP, batches: Batches, ends: Sequence[int] = ()) -> NDArray[Any]:
    """Do what `outputs` does with as many threads of BLAS as there are."""
    result = np.empty((len(batches), model.sizes[-1]), model.dtype)  # (N, C)
    for first, end in pairwise((0, *(ends or (len(batches),)))):
        for start, stop in batches.micro_batches(first, end):
            x, _ = batches.slice(start, stop)
            result[start:stop] = model.backend.to_numpy(model.forward(x))
    return result


def predict(model: MLP, images: ArrayLike) -> NDArray[Any]:
    """Predict the class of images, or the answers to the questions of a model.

    Args:
        model: a trained network.
        images: shape (N, height, width) or (N, I), as an array, nested lists or a frame; a single
            image of shape (height, width) or (I,) is read as one of N = 1, and no images give no
            answers. Pixels are whole numbers in the range that the model was trained on, from 0,
            which is paper, to 255, which is ink, unless it tells of another; or floats from 0 to 1.
            Columns are in their own units, those of a frame, or of a row of one, found by their
            names; a warning names one that lies far from what the model has learnt from.

    Returns:
        The class of each, int64 of shape (N,); where the model answers L yes-or-no questions, the
        answers, uint8 of shape (N, L); where it estimates L numbers, these in their own units,
        float64 of shape (N, L).

    Raises:
        ModelError: if the images have another size than the network's input.
        DataError: if the images hold anything but numbers in one of these ranges, or are far from
            filling it. Where they fill less than half of it, a warning says so.
    """
    answers: NDArray[Any] = decide(model, outputs(model, _batches(model, images)))
    task = task_of(model)
    return task.in_own_units(answers) if task.kind == "regression" else answers


def probabilities(model: MLP, images: ArrayLike) -> NDArray[np.float64]:
    """Predict probabilities; the arguments and errors are those of `predict`.

    Returns:
        The probability of each class or of each yes, shape (N, C), calibrated where the model
        was trained with a validation split; see `probabilities_of`.
    """
    return probabilities_of(model, outputs(model, _batches(model, images)))


def vote(models: Sequence[MLP], images: NDArray[Any]) -> NDArray[np.float64]:
    """Average the predictions of one or several models of one task.

    Args:
        models: the models.
        images: those of a `mlp.data.dataset.Split`, which are what the models read.

    Returns:
        The mean of their `probabilities`, shape (N, C).
    """
    no_labels = np.zeros(len(images), np.int64)
    mean: NDArray[np.float64] = np.mean(
        [probabilities_of(m, outputs(m, Batches(images, no_labels, m))) for m in models], axis=0
    )
    return mean


def estimate(models: Sequence[MLP], images: NDArray[Any]) -> NDArray[np.float64]:
    """Average the estimates of one or several models of numbers.

    Args:
        models: the models.
        images: those of a `mlp.data.dataset.Split`, which are what the models read.

    Returns:
        The estimates in the numbers' own units, shape (N, L).
    """
    no_labels = np.zeros(len(images), np.int64)
    each = [outputs(model, Batches(images, no_labels, model)) for model in models]  # (N, L)
    return task_of(models[0]).in_own_units(np.mean(each, axis=0))


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
    inputs, width = inputs_of(model), model.sizes[0]
    if isinstance(inputs, Columns) and is_row(images, inputs.names):
        images = images.to_frame().T  # type: ignore[union-attr]
    if isinstance(inputs, Columns) and is_frame(images):  # found by name; others are in order
        table = table_of(images, "the frame", inputs.names)
        given = values_of(table, named_features(table, table.names or (), inputs.names))
    else:
        given = _as_array(images)
    shape = given.shape
    if given.size == 0:
        given = np.empty((0, width), np.float32)
    elif given.size == width and given.ndim <= 2:  # a single image, as a rectangle or flat
        given = given.reshape(1, width)
    size = math.prod(given.shape[1:]) if given.ndim > 1 else given.size
    check_fits(model, size, model.sizes[-1])
    if isinstance(inputs, Pixels) and inputs.shape is not None and len(given):
        _check_shape(shape, inputs.shape)
    rows = given.reshape(len(given), width)
    if isinstance(inputs, Columns):
        if strange := told_unlike(rows, inputs, GIVEN):
            warnings.warn(strange, stacklevel=3)
        rows = inputs.apply(rows, GIVEN)
    else:
        rows = _as_pixels(rows, inputs)
    return Batches(rows, np.zeros(len(rows), np.int64), model)


def _check_shape(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    """Refuse images of as many pixels as the model's in another shape.

    Raises:
        DataError: naming both shapes.
    """
    is_one = len(shape) == 2 and math.prod(shape) == math.prod(expected)
    own = tuple(n for n in (shape if is_one else shape[1:]) if n > 1)
    if len(own) == 2 and own != expected:
        raise DataError(
            f"the images are {own[0]} x {own[1]}, where the model reads {expected[0]} x "
            f"{expected[1]}: bring them to that size"
        )


def _as_array(images: ArrayLike) -> NDArray[Any]:
    """Return images as an array of numbers.

    Raises:
        DataError: if they are none.
    """
    try:
        array = np.asarray(images)
        if array.dtype.kind == "O":  # of a frame with columns of several dtypes
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:  # rows of different lengths, or arrays on a GPU
        raise DataError(f"the images do not make one array of numbers ({error})") from None
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"the images do not make one array of numbers (but of {array.dtype}): give pixels or "
            "columns"
        )
    return array


def _as_pixels(pixels: NDArray[Any], inputs: Pixels) -> NDArray[Any]:
    """Return images in their shape: as uint8 from 0 to 255, or as floats from 0 to 1.

    Raises:
        DataError: if the values are in no range that `predict` takes.
    """
    found, remark = range_for(pixels, inputs, GIVEN)
    taken = found.apply(pixels, GIVEN)
    if remark := remark or told_inverted(taken, GIVEN):
        warnings.warn(remark, stacklevel=4)
    if pixels.dtype.kind == "f" and (found.low, found.high) == (SHARES.low, SHARES.high):
        scaled = np.multiply(pixels, 255, dtype=np.float64)
        # Bytes divided by 255 are read to the bit as the bytes; other floats keep their fractions.
        return taken if np.allclose(scaled, taken, 0, 1e-4) else pixels
    return taken
