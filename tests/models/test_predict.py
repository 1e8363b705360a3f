"""Reading images with a model: what is taken as images, and what is refused in a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from device import CountingBackend

import mlp
from mlp.common.errors import DataError, ModelError
from mlp.data.batches import Batches
from mlp.data.dataset import Dataset
from mlp.data.inputs import Columns, Pixels
from mlp.data.load import load_dataset
from mlp.data.task import Task
from mlp.models.metadata import Metadata
from mlp.models.predict import outputs, predict, probabilities
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
    with pytest.raises(DataError, match=r"0 to 255|missing or infinite|one array of numbers"):
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


# Other values than bytes


def of_sixteen() -> MLP:
    """A model that was trained on pixels from 0 to 16."""
    model = MLP([64, 5, 3], seed=2)
    model.metadata = Metadata(inputs=Pixels(0.0, 16.0, (8, 8)))
    return model


def test_pixels_of_any_range_are_read_as_the_model_was_trained() -> None:
    images = np.random.default_rng(0).integers(0, 17, (9, 8, 8))
    of_bytes = MLP([64, 5, 3], seed=2)
    expected = probabilities(of_bytes, np.rint(images * 255 / 16).astype(np.uint8))
    for given in (images, images.astype(np.uint8), images.astype(float), images.tolist()):
        np.testing.assert_array_equal(probabilities(of_sixteen(), given), expected)
    scaled = probabilities(of_sixteen(), images / 16)  # floats from 0 to 1 keep their fractions
    np.testing.assert_allclose(scaled, expected, atol=1e-2)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.full((2, 64), 255, np.uint8), "from 255 to 255, where 0 to 16 belong"),
        (np.eye(8, dtype=np.uint8), "from 0 to 1, where the model reads"),
        (np.full((2, 64), 16.5), "from 16.5 to 16.5"),
        (np.full((2, 64), -1.0), "from -1 to -1"),
    ],
)
def test_pixels_of_another_range_are_refused(images: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        predict(of_sixteen(), images)


def test_pixels_far_from_filling_the_range_are_refused_or_told(model: MLP, data: Dataset) -> None:
    whole = data.test.images.astype(np.int64)
    for shift, high in ((4, 15), (2, 63)):
        with pytest.raises(DataError, match=f"0 to {high}, where the model reads whole numbers"):
            predict(model, whole >> shift)
    with pytest.warns(UserWarning, match="read as paler"):
        predict(model, whole * 3 // 8)


def test_columns_are_standardised_as_in_training() -> None:
    rows = np.random.default_rng(0).normal(50, 7, (9, 4))
    columns = Columns.of(rows, ("a", "b", "c", "d"), False, "tests")
    model, plain = MLP([4, 5, 3], seed=2), MLP([4, 5, 3], seed=2)
    model.metadata = Metadata(inputs=columns)
    batches = Batches(columns.apply(rows, "tests"), np.zeros(9, np.int64), plain)
    expected = outputs(plain, batches).argmax(axis=1)
    for given in (rows, rows.tolist(), rows.astype(object)):
        np.testing.assert_array_equal(predict(model, given), expected)
    assert predict(model, rows[0]).tolist() == expected[:1].tolist()
    assert predict(model, []).shape == (0,)
    rows[3, 1] = np.nan
    with pytest.raises(DataError, match="b of the given images in row 4 has no value"):
        predict(model, rows)


def test_the_columns_of_a_frame_are_found_by_their_names() -> None:
    pandas = pytest.importorskip("pandas", reason="the test extra brings pandas")
    rows = np.random.default_rng(0).normal(size=(9, 4))
    model = MLP([4, 5, 3], seed=2)
    model.metadata = Metadata(inputs=Columns(tuple("abcd"), (0.0,) * 4, (1.0,) * 4))
    expected = probabilities(model, rows)
    frame = pandas.DataFrame(rows, columns=list("abcd"))
    np.testing.assert_array_equal(probabilities(model, frame[list("dbca")]), expected)
    np.testing.assert_array_equal(probabilities(model, frame.assign(id=0)), expected)
    np.testing.assert_array_equal(probabilities(model, pandas.DataFrame(rows)), expected)
    with pytest.raises(DataError, match="the frame has no column 'b', which the model reads"):
        predict(model, frame.drop(columns="b"))


def test_numbers_are_given_in_their_own_units() -> None:
    rows = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    model = MLP([4, 5, 1], seed=2)
    task = Task("regression", ("price",), (), (1000.0,), (20.0,))
    columns = Columns(("a", "b", "c", "d"), (0.0,) * 4, (1.0,) * 4)
    model.metadata = Metadata(task=task, inputs=columns)
    scaled = outputs(model, Batches(rows, np.zeros(9, np.int64), model))
    answers = predict(model, rows)
    assert answers.shape == (9, 1)
    np.testing.assert_allclose(answers, scaled * 20 + 1000, rtol=1e-6)


def test_the_columns_of_a_row_are_found_by_their_names() -> None:
    pandas = pytest.importorskip("pandas", reason="the test extra brings pandas")
    rows = np.random.default_rng(0).normal(size=(9, 4))
    model = MLP([4, 5, 3], seed=2)
    model.metadata = Metadata(inputs=Columns(tuple("abcd"), (0.0,) * 4, (1.0,) * 4))
    expected = probabilities(model, rows)[:1]
    row = pandas.DataFrame(rows, columns=list("abcd")).assign(id="x").iloc[0]
    for given in (row[list("abcd")], row[list("dbca")], row, pandas.Series(rows[0])):
        np.testing.assert_allclose(probabilities(model, given), expected, rtol=1e-6)
    with pytest.raises(DataError, match="the frame has no column 'b', which the model reads"):
        predict(model, row[list("acd")])


def test_columns_far_from_what_was_learnt_are_warned_of() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal((5.0, -300.0), (2.0, 40.0), (60, 2))
    model = MLP([2, 5, 3], seed=2)
    model.metadata = Metadata(inputs=Columns.of(rows, ("a", "b"), False, "tests"))
    predict(model, rows)
    predict(model, rows[0] * 1_000)
    with pytest.warns(
        UserWarning, match="a of the given images is mostly around -[23].*learnt from"
    ):
        predict(model, rows[:, ::-1])


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((4, 16), "4 x 16"), ((16, 4), "16 x 4"), ((3, 4, 16), "4 x 16"), ((3, 16, 4, 1), "16 x 4"),
        ((3, 1, 2, 32), "2 x 32"),
    ],
)  # fmt: skip
def test_images_of_as_many_pixels_in_another_shape_are_refused(
    shape: tuple[int, ...], told: str
) -> None:
    model = MLP([64, 3])
    model.metadata = Metadata(inputs=Pixels(shape=(8, 8)))
    images = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    with pytest.raises(DataError, match=f"are {told}, where the model reads 8 x 8"):
        predict(model, images)
    for same in ((8, 8), (1, 64), (64,), (2, 64), (2, 8, 8), (2, 8, 8, 1), (2, 1, 8, 8)):
        images = np.random.default_rng(3).integers(0, 256, same, dtype=np.uint8)
        assert len(predict(model, images)) == max(1, images.size // 64)


def test_images_that_are_mostly_ink_are_warned_of() -> None:
    model = MLP([64, 3])
    images = np.random.default_rng(3).integers(200, 256, (30, 8, 8), dtype=np.uint8)
    with pytest.warns(UserWarning, match="mostly ink, as 0 is paper and 255 is ink: invert them"):
        predict(model, images)
    with pytest.warns(UserWarning, match="mostly ink"):
        predict(model, images / 255)
    predict(model, images[:19])
