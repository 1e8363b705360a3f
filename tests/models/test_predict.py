"""Reading images with a model: what is taken as images, and what is refused in a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from device import CountingBackend

import mlp
from mlp.common.errors import DataError, ModelError
from mlp.data.dataset import Dataset
from mlp.data.load import load_dataset
from mlp.data.task import Task
from mlp.models.metadata import Metadata
from mlp.models.predict import predict, probabilities, vote
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("synthetic:1000+200")


@pytest.fixture(scope="module")
def model(data: Dataset) -> MLP:
    model = MLP([784, 32, 10])
    train(model, data, Recipe(epochs=3))
    return model


@pytest.mark.parametrize(
    "convert",
    [
        lambda images: images.reshape(len(images), -1),
        lambda images: images[:, None],
        lambda images: images.tolist(),
        lambda images: list(images),
        lambda images: images.astype(np.int64),
        lambda images: images.astype(np.float32),
        lambda images: images.astype(np.float16),
        lambda images: images / 255.0,
        lambda images: (images / 255.0).astype(np.float32),
        lambda images: (images / 255.0).tolist(),
    ],
    ids=[
        "rows", "channel", "lists", "list of arrays", "int64", "float32 bytes", "float16 bytes",
        "scaled", "scaled float32", "scaled lists",
    ],
)  # fmt: skip
def test_images_are_taken_in_many_ways(data: Dataset, model: MLP, convert: Any) -> None:
    images = data.test.images
    given = convert(images)
    np.testing.assert_array_equal(predict(model, given), predict(model, images))
    np.testing.assert_allclose(
        probabilities(model, given), probabilities(model, images), rtol=1e-4, atol=1e-9
    )


def test_scaled_images_are_read_to_the_bit_like_their_bytes(data: Dataset, model: MLP) -> None:
    images = data.test.images
    np.testing.assert_array_equal(
        probabilities(model, images / 255.0), probabilities(model, images)
    )
    assert (predict(model, images / 255.0) == data.test.labels).mean() > 0.6


def test_a_mask_of_ink_is_taken(model: MLP, data: Dataset) -> None:
    ink = data.test.images > 127
    np.testing.assert_array_equal(predict(model, ink), predict(model, ink * np.uint8(255)))


@pytest.mark.parametrize("shape", [(28, 28), (784,), (1, 28, 28), (1, 784)], ids=str)
def test_a_single_image_gives_one_answer(data: Dataset, model: MLP, shape: Any) -> None:
    image = data.test.images[3]
    expected = predict(model, data.test.images)[3:4]
    assert predict(model, image.reshape(shape)).tolist() == expected.tolist()
    assert probabilities(model, image.reshape(shape)).shape == (1, 10)
    assert vote([model, model], image.reshape(shape)).shape == (1, 10)


@pytest.mark.parametrize(
    "empty",
    [[], np.empty((0, 28, 28), np.uint8), np.empty((0, 784)), np.array([], object)],
    ids=["list", "uint8", "float64", "objects"],
)
def test_no_images_give_no_answers(model: MLP, empty: Any) -> None:
    answers = predict(model, empty)
    assert (answers.shape, answers.dtype) == ((0,), np.dtype(np.int64))
    assert probabilities(model, empty).shape == (0, 10)
    questions = MLP([784, 3])
    questions.metadata = Metadata(task=Task("multilabel", ("a", "b", "c")))
    assert predict(questions, empty).shape == (0, 3)


@pytest.mark.parametrize(
    "images",
    [
        np.full((2, 784), np.nan),
        np.full((2, 784), np.inf),
        np.full((2, 784), -0.5),
        np.full((2, 784), -1),
        np.full((2, 784), 256),
        np.full((2, 784), 256.0),
        np.full((2, 784), 1.5),
        np.full((2, 784), "7"),
        np.full((2, 784), None),
        np.full((2, 784), 1j),
        np.where(np.arange(1568).reshape(2, 784), 0.5, np.nan),
        [[1, 2], [3]],
        "seven.png",
    ],
    ids=[
        "NaN", "infinite", "negative", "negative ints", "large ints", "large floats", "halves",
        "strings", "objects", "complex", "one NaN", "ragged", "a name",
    ],
)  # fmt: skip
def test_what_holds_no_pixels_is_refused(model: MLP, images: Any) -> None:
    with pytest.raises(DataError, match=r"whole numbers from 0 to 255|one array of numbers"):
        predict(model, images)


@pytest.mark.parametrize(
    ("shape", "pixels"), [((2, 14, 14), 196), ((28, 28, 3), 84), ((28,), 28), ((), 1)], ids=str
)
def test_images_of_another_size_are_refused(model: MLP, shape: Any, pixels: int) -> None:
    with pytest.raises(ModelError, match=f"has {pixels} pixels and 10 classes"):
        predict(model, np.zeros(shape, np.uint8))


def test_the_callers_images_stay_as_they_are(model: MLP, data: Dataset) -> None:
    scaled = data.test.images / 255.0
    before = scaled.copy()
    predict(model, scaled)
    np.testing.assert_array_equal(scaled, before)


def test_scaled_images_are_read_on_another_device(data: Dataset, model: MLP) -> None:
    device = MLP([784, 32, 10], backend=CountingBackend())
    device.parameters[...] = device.backend.asarray(model.parameters)
    images = data.test.images / 255.0
    np.testing.assert_array_equal(predict(device, images), predict(model, images))


def test_the_public_names_are_these() -> None:
    assert (mlp.predict, mlp.probabilities) == (predict, probabilities)
