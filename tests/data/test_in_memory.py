"""Data that a program has: whatever holds (X, y) is read, or refused in a sentence."""

from __future__ import annotations

import numpy as np
import pytest

import mlp
from mlp.common.errors import DataError, UsageError
from mlp.data.inputs import Columns


def blobs(N=120, seed=0):
    """Draw rows of three columns in two classes, far apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, N)
    return rng.normal(size=(N, 3)) + 4.0 * y[:, None], y


def test_rows_are_read_and_a_share_is_held_out():
    X, y = blobs()
    data = mlp.load_dataset((X, y), test=0.25)
    assert (len(data.train), len(data.test), data.classes) == (90, 30, 2)
    assert isinstance(data.inputs, Columns)


def test_test_rows_of_their_own_are_kept_apart():
    X, y = blobs()
    data = mlp.load_dataset(((X[:100], y[:100]), (X[100:], y[100:])))
    assert (len(data.train), len(data.test)) == (100, 20)
    assert data.test.labels.tolist() == y[100:].tolist()


@pytest.mark.parametrize("as_given", [list, tuple, lambda words: np.array(words, object)])
def test_words_are_classes(as_given):
    X, y = blobs()
    words = as_given([("cat", "dog")[label] for label in y])
    data = mlp.load_dataset((X.tolist(), words))
    assert data.task.names == ("cat", "dog")


def test_images_of_any_range_stay_images():
    X = np.random.default_rng(0).integers(0, 17, (50, 8, 8)).astype(float)
    data = mlp.load_dataset((X, np.arange(50) % 5))
    assert data.train.images.dtype == np.uint8
    assert data.train.images.max() == 255


def test_numbers_with_fractions_are_estimated():
    X, _ = blobs()
    data = mlp.load_dataset((X, X @ [1.0, -2.0, 0.5]))
    assert (data.task.kind, data.classes) == ("regression", 1)


def test_whole_numbers_are_estimated_where_that_is_said():
    X, y = blobs()
    assert mlp.load_dataset((X, y), kind="regression").task.kind == "regression"


def test_several_answers_are_questions():
    X, y = blobs()
    answers = np.column_stack([y, 1 - y, y ^ (np.arange(len(y)) % 2)])
    assert mlp.load_dataset((X, answers)).task.kind == "multilabel"


def test_a_missing_label_leaves_its_row_out():
    X, y = blobs()
    words = [str(label) for label in y]
    data = mlp.load_dataset((X, [None, *words[1:]]))
    assert len(data.train) + len(data.test) == len(X) - 1


def test_missing_values_are_refused_or_filled():
    X, y = blobs()
    X[7, 1] = np.nan
    with pytest.raises(DataError, match=r"row 8\b.*--missing mean|has no value"):
        mlp.load_dataset((X, y))
    data = mlp.load_dataset((X, y), missing="mean")
    assert np.isfinite(data.train.images).all()


def test_a_frame_names_its_columns():
    pandas = pytest.importorskip("pandas", reason="the test extra brings pandas")
    X, y = blobs()
    frame = pandas.DataFrame(X, columns=["a", "b", "c"]).astype({"b": "float32"})
    data = mlp.load_dataset((frame, pandas.Series(y).map({0: "no", 1: "yes"})))
    assert data.inputs.names == ("a", "b", "c")
    assert data.task.names == ("no", "yes")


def test_a_frames_words_are_learnt_and_found_again_by_name():
    pandas = pytest.importorskip("pandas", reason="the test extra brings pandas")
    X, _ = blobs()
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    colours = np.array(["red", "blue"])[np.arange(len(X)) % 2]
    frame["colour"], frame["ripe"] = pandas.Categorical(colours), X[:, 0] > 0
    notes = []
    data = mlp.load_dataset((frame, colours == "red"), note=notes.append)
    assert data.inputs.names == ("a", "b", "c", "colour=blue", "colour=red", "ripe")
    assert "column 4 (colour) holds words, and becomes 2 columns of 0 and 1" in notes[0]
    model = mlp.MLP([6, 8, 2])
    mlp.train(model, data, mlp.Recipe(epochs=40, batch_size=5, lr=0.1))
    frame["text"] = [f"row {i}" for i in range(len(frame))]  # which no network reads
    shuffled = frame[["text", "ripe", "colour", "c", "a", "b"]]
    answers = mlp.predict(model, shuffled)
    np.testing.assert_array_equal(answers, colours == "red")
    assert mlp.predict(model, shuffled.iloc[:1]) == answers[:1]
    frame["colour"] = "green"
    assert mlp.predict(model, frame).shape == (len(X),)
    with pytest.raises(DataError, match="the frame has no column 'colour', which the model reads"):
        mlp.predict(model, frame.drop(columns="colour"))
    frame["when"] = pandas.Timestamp("2024-05-01")
    with pytest.raises(DataError, match="column 'when' of X is datetime64"):
        mlp.load_dataset((frame, colours))


def test_what_a_frame_calls_missing_is_missing():
    pandas = pytest.importorskip("pandas", reason="the test extra brings pandas")
    frame = pandas.DataFrame({"a": pandas.array([1, None] * 30, dtype="Int64"), "b": range(60)})
    data = mlp.load_dataset((frame, np.arange(60) % 2 + np.arange(60) // 30), missing="mean")
    assert np.isfinite(data.train.images).all()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ((np.zeros((4, 3)),), "must be .X, y."),
        ([np.zeros((4, 3)), np.zeros(4)], "must be .X, y."),
        (7, "must be .X, y."),
        ((np.zeros((4, 3)), np.zeros(5)), "4 rows and there are 5 labels"),
        (([[1, 2], [3]], [0, 1]), "one array of numbers"),
        (([["a", "b"], ["c", "d"]], [0, 1]), "words such as 'a'"),
        ((np.zeros((4, 3), complex), np.zeros(4)), "complex128"),
        ((np.zeros((0, 3)), np.zeros(0)), "no images"),
        ((np.zeros((4, 3)), np.zeros((4, 2, 2))), "one label a row"),
    ],
)
def test_what_is_no_data_is_refused(data, sentence):
    with pytest.raises(DataError, match=sentence):
        mlp.load_dataset(data)


def test_a_choice_that_there_is_not_is_named():
    with pytest.raises(UsageError, match=r"'tset' \(did you mean test\?\)"):
        mlp.load_dataset(blobs(), tset=0.2)


def test_a_path_is_a_name(tmp_path):
    X, y = blobs()
    np.savez(tmp_path / "blobs.npz", X=X, y=y)
    assert mlp.load_dataset(tmp_path / "blobs.npz").classes == 2


def test_arrays_are_trained_on_as_they_are():
    X, y = blobs()
    words = np.array(["near", "far"])[y]
    model = mlp.MLP([3, 8, 2], seed=0)
    history = mlp.train(model, (X, words))
    assert history.epochs[-1].test_accuracy > 0.9
    names = model.metadata.task.names
    read = [names[answer] for answer in mlp.predict(model, X)]
    assert np.mean(np.array(read) == words) > 0.9


def test_numbers_are_trained_on_with_their_usual_loss():
    X, _ = blobs(400)
    model = mlp.MLP([3, 16, 1], seed=0)
    history = mlp.train(model, (X, X @ [1.0, -2.0, 0.5] + 0.25))
    assert history.epochs[-1].test_accuracy > 0.9  # R²


def test_numbers_to_estimate_have_their_columns_names() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0) ** 2})
    price = pandas.Series(np.arange(20) + 0.5, name="price")
    assert mlp.load_dataset((frame, price), kind="regression").task.names == ("price",)
    both = pandas.DataFrame({"x": price, "y": price**2})
    assert mlp.load_dataset((frame, both), kind="regression").task.names == ("x", "y")
    assert mlp.load_dataset((frame, price.to_numpy()), kind="regression").task.names == ("value",)


def test_a_test_frame_is_taken_as_the_training_frame():
    pandas = pytest.importorskip("pandas", reason="the test extra brings pandas")
    X = pandas.DataFrame({"u": np.arange(40.0), "s": [["f", "m", "x"][i % 3] for i in range(40)]})
    y = np.arange(40) % 2
    test = pandas.DataFrame({"s": ["m", "new", "f"], "u": [1.0, 2.0, 3.0], "t": ["a", "b", "c"]})
    data = mlp.load_dataset(((X, y), (test, y[:3])))
    assert data.inputs.names == ("u", "s=f", "s=m", "s=x")
    own = np.rint(data.test.images * data.inputs.deviation + data.inputs.mean)
    assert own.tolist() == [[1, 0, 1, 0], [2, 0, 0, 0], [3, 1, 0, 0]]


def test_a_trained_model_finds_the_columns_of_a_frame_again_as_it_trains_on():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(rng.normal(0, 1, (200, 3)), columns=["a", "b", "c"])
    y = (frame.a - frame.c > 0).astype(int)
    model = mlp.MLP([3, 16, 2], seed=0)
    mlp.train(model, (frame, y), mlp.Recipe(epochs=40))
    history = mlp.train(model, (frame[["c", "b", "a"]], y), mlp.Recipe(epochs=1, lr=1e-4))
    assert history.epochs[-1].train_accuracy > 0.95  # of which 5 % are left if a and c are swapped
    with pytest.raises(DataError, match="arrays has no column 'b'"):
        mlp.train(model, (frame.rename(columns={"b": "d"}), y), mlp.Recipe(epochs=1))
    notes = []
    mlp.train(model, (frame.to_numpy(), y), mlp.Recipe(epochs=1), on_warning=notes.append)
    assert any("in the order a, b, c" in note for note in notes)


def test_the_columns_of_a_frame_of_labels_name_the_classes() -> None:
    pandas = pytest.importorskip("pandas")
    words = np.array(["bat", "ant", "cat"])[np.arange(40) % 3]
    X = np.random.default_rng(3).normal(0, 1, (40, 2))
    spread = pandas.get_dummies(pandas.Series(words))
    data = mlp.load_dataset((X, spread), test=4)
    assert data.task.names == ("ant", "bat", "cat")
    same = mlp.load_dataset((X, words), test=4)
    np.testing.assert_array_equal(data.train.labels, same.train.labels)
    several = pandas.DataFrame({"wet": np.arange(40) % 2, "red": np.arange(40) // 2 % 2})
    data = mlp.load_dataset((X, several), test=4)
    assert (data.task.kind, data.task.names) == ("multilabel", ("wet", "red"))
