"""From arrays of every kind that people have to a dataset, or to a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.dataset import Dataset
from mlp.data.inputs import Columns, Pixels
from mlp.data.interpret import Meaning, interpret
from mlp.data.raw import TEST, TRAIN, WHOLE, RawSplit
from mlp.data.reading import Reading

RNG = np.random.default_rng(7)
IMAGES = RNG.integers(0, 256, (60, 8, 8), dtype=np.uint8)
COLUMNS = RNG.normal(4, 9, (60, 4))
THREE = np.arange(60) % 3


def read(
    features: np.ndarray,
    labels: Any,
    *,
    names: tuple[str, ...] = (),
    columns: tuple[str, ...] | None = None,
    notes: list[str] | None = None,
    test: tuple[np.ndarray, Any] | None = None,
    kind: Any = "multiclass",
    known: Meaning | None = None,
    **options: Any,
) -> Dataset:
    raw = RawSplit(features, labels, columns, names)
    splits = {WHOLE: raw} if test is None else {TRAIN: raw, TEST: RawSplit(*test, columns, names)}
    note = (notes if notes is not None else []).append
    reading = Reading(**options)
    return interpret(splits, "drawn", "tests", reading, kind=kind, known=known, note=note)


# Classes


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (THREE, ("0", "1", "2")),
        (THREE + 1, ("1", "2", "3")),
        (THREE * 5 - 5, ("-5", "0", "5")),
        (THREE.astype(float), ("0", "1", "2")),
        (THREE.astype(np.uint8)[:, None], ("0", "1", "2")),
        (THREE == 1, ("0", "1")),
        (np.array(["cat", "bird", "ant"])[THREE], ("ant", "bird", "cat")),
        (np.array(["cat", "bird", "ant"], object)[THREE], ("ant", "bird", "cat")),
        (np.array(["2", "10", "3"])[THREE], ("2", "3", "10")),
        (np.eye(3)[THREE], ("0", "1", "2")),
    ],
)
def test_classes_of_any_kind_are_found(labels: np.ndarray, names: tuple[str, ...]) -> None:
    data = read(IMAGES, labels, test=(IMAGES, labels))
    assert (data.task.kind, data.task.names, data.classes) == ("multiclass", names, len(names))
    called = np.array(data.task.names)[data.test.labels]
    flat = labels.argmax(1) if labels.shape == (60, 3) else labels.reshape(-1)
    if labels.dtype == bool:
        flat = flat.astype(int)
    assert called.tolist() == [str(int(v)) if str(v)[-1].isdigit() else str(v) for v in flat]


@pytest.mark.parametrize("C", [26, 47, 49, 256, 257, 300])
def test_any_number_of_classes_is_taken(C: int) -> None:
    labels = np.repeat(np.arange(1, C + 1), 5)
    images = np.broadcast_to(IMAGES[:1], (len(labels), 8, 8))
    data = read(images, labels)
    assert data.classes == C
    assert data.train.labels.dtype == (np.uint8 if C <= 256 else np.uint16)
    counts = np.bincount(data.test.labels, minlength=C)
    assert (counts == 1).all()  # a fifth of each


def test_names_are_taken_from_the_file() -> None:
    data = read(IMAGES, THREE, names=("shirt", "shoe", "bag"))
    assert data.task.names == ("shirt", "shoe", "bag")
    data = read(IMAGES, np.eye(3)[THREE], names=("shirt", "shoe", "bag"))
    assert data.task.names == ("shirt", "shoe", "bag")


def test_classes_that_do_not_occur_are_asked_for() -> None:
    assert read(IMAGES, THREE, classes=10).classes == 10
    assert read(IMAGES, THREE + 1, classes=10).task.names[0] == "0"
    assert read(IMAGES, THREE + 24, classes=26).task.names[0] == "1"
    with pytest.raises(DataError, match="which are 3 and not 2"):
        read(IMAGES, THREE, classes=2)


def test_answers_to_questions_are_found() -> None:
    answers = np.stack([THREE > 0, THREE > 1], axis=1)
    data = read(IMAGES, answers, names=("big", "huge"))
    assert (data.task.kind, data.task.names) == ("multilabel", ("big", "huge"))
    assert data.train.labels.shape == (48, 2)
    one_hot = np.eye(3)[THREE]
    assert read(IMAGES, one_hot, kind="multilabel").task.kind == "multilabel"


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.full(60, 7), "all 60 training labels of tests are 7"),
        (np.full(60, "x"), "all 60 training labels of tests are x"),
        (np.linspace(0, 1, 60), "real numbers such as .*--task regression"),
        (np.arange(60) * 7, "60 values in 60 rows, too many for classes"),
        (np.array([f"row {i}" for i in range(60)]), "60 words in 60 rows, such as row 0"),
        (np.stack([THREE, THREE], 1), "not all 0 or 1"),
        (None, "has no labels to learn from"),
    ],
)
def test_labels_that_make_no_classes_are_refused(labels: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read(IMAGES, labels)


# Numbers to estimate


def test_numbers_are_standardised() -> None:
    target = COLUMNS @ [1.0, 2.0, 3.0, 4.0] + 500
    data = read(COLUMNS, target, kind="regression")
    assert data.train.labels.dtype == np.float32
    assert data.train.labels.shape == (48, 1)
    own = data.task.in_own_units(np.concatenate([data.train.labels, data.test.labels]))
    np.testing.assert_allclose(np.sort(own[:, 0]), np.sort(target), rtol=1e-5)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [(np.full(60, 2.5), "is 2.5 in all"), (np.array(["a", "b"])[THREE % 2], "are words such as")],
)
def test_what_cannot_be_estimated_is_refused(labels: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read(COLUMNS, labels, kind="regression")


# Splits


def test_a_share_of_each_class_is_held_out_by_a_seed() -> None:
    notes: list[str] = []
    first, again = read(IMAGES, THREE, notes=notes), read(IMAGES, THREE)
    assert "12 of 60 rows are held out" in notes[0]
    assert first.test.checksum == again.test.checksum
    assert np.bincount(first.test.labels).tolist() == [4, 4, 4]
    assert len(read(IMAGES, THREE, test=None).test) == 12
    assert first.is_one_set
    kept = {image.tobytes() for image in first.train.images}
    assert not any(image.tobytes() in kept for image in first.test.images)


def test_how_many_is_asked_for() -> None:
    raw = {WHOLE: RawSplit(IMAGES, THREE)}
    assert len(interpret(raw, "x", "x", Reading(test=0.5)).test) == 30
    assert len(interpret(raw, "x", "x", Reading(test=6)).test) == 6
    with pytest.raises(DataError, match="60 cannot be held out"):
        interpret(raw, "x", "x", Reading(test=60))


def test_rows_without_labels_are_told_and_left_out() -> None:
    notes: list[str] = []
    labels = np.where(np.arange(60) < 10, np.nan, THREE)
    assert len(read(IMAGES, labels, test=(IMAGES, THREE), notes=notes).train) == 50
    assert "they have no label: 10 rows of tests (train)" in notes[0]
    notes.clear()
    data = read(IMAGES, THREE, test=(IMAGES, None), notes=notes)
    assert len(data.test) == 12
    assert "have no labels and are left out" in notes[0]


def test_splits_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(DataError, match=r"different sizes \(7 x 8 and 8 x 8\)"):
        read(IMAGES, THREE, test=(IMAGES[:, 1:], THREE))
    swapped = {
        TRAIN: RawSplit(COLUMNS, THREE, ("a", "b", "c", "d")),
        TEST: RawSplit(COLUMNS, THREE, ("a", "c", "b", "d")),
    }
    with pytest.raises(DataError, match="column 2 of x is called b in one split and c"):
        interpret(swapped, "x", "x")


# Images and columns


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (None, Pixels),
        (tuple(f"pixel{i}" for i in range(64)), Pixels),
        (tuple(f"pixel_{i // 8}_{i % 8}" for i in range(64)), Pixels),
        (tuple(f"{i // 8 + 1}x{i % 8 + 1}" for i in range(64)), Pixels),
        (tuple(f"gene {i}" for i in range(64)), Columns),
    ],
)
def test_rows_are_images_by_the_names_of_their_columns(columns: Any, kind: type) -> None:
    data = read(IMAGES.reshape(60, 64), THREE, columns=columns)
    assert isinstance(data.inputs, kind)
    assert data.train.images.shape == ((48, 8, 8) if kind is Pixels else (48, 64))


def test_rows_of_other_numbers_are_columns() -> None:
    assert isinstance(read(COLUMNS, THREE).inputs, Columns)
    assert isinstance(read(RNG.normal(size=(60, 64)), THREE).inputs, Columns)
    assert isinstance(read(IMAGES.reshape(60, 64)[:, :63], THREE).inputs, Columns)


def test_a_range_is_told_in_a_line() -> None:
    notes: list[str] = []
    data = read(IMAGES % 17, THREE, test=(IMAGES % 17, THREE), notes=notes)
    assert notes == ["pixels 0 to 16: scaled by 16"]
    assert data.inputs == Pixels(0.0, 16.0, (8, 8))


def test_data_is_taken_as_a_model_knows_it() -> None:
    data = read(COLUMNS, np.array(["x", "y", "z"])[THREE])
    known = Meaning(data.task, data.inputs)
    few = read(COLUMNS[:6] * 2, np.array(["y", "z", "y", "z", "y", "z"]), known=known, test=None)
    assert set(few.test.labels) | set(few.train.labels) == {1, 2}
    assert few.inputs == data.inputs
    with pytest.raises(DataError, match="row 1 of tests has the label w"):
        read(COLUMNS[:6], np.array(["w", "z", "y", "z", "y", "z"]), known=known)


@pytest.mark.parametrize("kind", ["multiclass", "regression"])
def test_a_row_is_called_by_its_place_in_the_file_whatever_is_left_out_before_it(
    kind: Any,
) -> None:
    for row in (5, 33, 59):
        columns, labels = COLUMNS.copy(), THREE.astype(float)
        labels[[0, 2]] = np.nan  # rows that are left out
        columns[row, 1] = np.nan
        with pytest.raises(DataError, match=f"column 2 of tests in row {row + 1} has no value"):
            read(columns, labels, kind=kind)
        columns[row, 1] = np.inf
        with pytest.raises(DataError, match=f"in row {row + 1} is infinite"):
            read(columns, labels, kind=kind, missing="mean")
