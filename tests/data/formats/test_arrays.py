"""Named arrays: whatever people call them and however they turn them, they are found or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlp.common.errors import DataError, UsageError
from mlp.data.formats.arrays import as_split, choose, role_of
from mlp.data.formats.convert import read_raw
from mlp.data.formats.request import Request
from mlp.data.raw import RawSplits
from mlp.data.reading import Reading

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 4, 5), np.uint8)
LABELS = np.arange(9) % 3


def read(path: Path, arrays: dict[str, Any], **reading: Any) -> tuple[RawSplits, list[str]]:
    notes: list[str] = []
    np.savez(path, **arrays)
    return read_raw(path, Request(Reading(**reading), note=notes.append)), notes


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("x_train", ("train", "features")),
        ("X_train", ("train", "features")),
        ("Xtr", ("train", "features")),
        ("trainX", ("train", "features")),
        ("y_test", ("test", "labels")),
        ("ytest", ("test", "labels")),
        ("train_images", ("train", "features")),
        ("val_labels", ("val", "labels")),
        ("kmnist-test-imgs", ("test", "features")),
        ("kmnist-train-labels", ("train", "labels")),
        ("X", ("all", "features")),
        ("target", ("all", "labels")),
        ("arr_0", ("all", "features")),
        ("arr_1", ("all", "labels")),
        ("train", None),
        ("weights", None),
    ],
)
def test_a_name_tells_what_an_array_is(name: str, role: tuple[str, str] | None) -> None:
    assert role_of(name) == role


def test_two_of_a_kind_are_refused_and_a_lone_array_is_images() -> None:
    with pytest.raises(DataError, match="labels twice, y and labels"):
        choose(["X", "y", "labels"], "it")
    assert choose(["what"], "it") == {"all": {"features": "what"}}
    with pytest.raises(DataError, match="names no images"):
        choose(["y_train", "y_test"], "it")


@pytest.mark.parametrize(
    "images",
    [
        IMAGES,
        IMAGES[..., None],
        IMAGES[:, None],
        np.moveaxis(IMAGES, 0, -1),
        IMAGES.astype(">u2"),
        np.asfortranarray(IMAGES),
    ],
)
@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], LABELS[None], LABELS.astype(">i4")])
def test_images_and_labels_are_turned_the_right_way(
    tmp_path: Path, images: np.ndarray, labels: np.ndarray
) -> None:
    splits, _ = read(tmp_path / "a.npz", {"X": images, "y": labels})
    assert np.array_equal(splits["all"].features, IMAGES)
    assert splits["all"].features.dtype.isnative
    assert splits["all"].labels is not None
    assert splits["all"].labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_colours_become_grey_as_pillow_has_it(tmp_path: Path, axis: int, dtype: type) -> None:
    colours = np.zeros((2, 4, 4, 3), dtype)
    colours[0, ..., 0], colours[1, ..., 2] = 100, 100
    splits, notes = read(tmp_path / "a.npz", {"images": np.moveaxis(colours, -1, axis)})
    np.testing.assert_allclose(splits["all"].features[:, 0, 0], [29.9, 11.4], atol=0.5)
    assert splits["all"].features.dtype == dtype
    assert "grey" in notes[0]


def test_words_and_several_answers_stay_as_they_are(tmp_path: Path) -> None:
    words = np.array([b"a", b"bc"])
    splits, _ = read(tmp_path / "a.npz", {"x": IMAGES[:2], "y": words})
    assert splits["all"].labels is not None
    assert splits["all"].labels.tolist() == ["a", "bc"]
    one_hot = np.eye(3)[LABELS]
    splits, _ = read(tmp_path / "a.npz", {"x": IMAGES, "y": one_hot})
    assert np.array_equal(splits["all"].labels, one_hot)  # type: ignore[arg-type]


def test_rows_for_validation_are_tested_on_or_trained_on(tmp_path: Path) -> None:
    four = {"train_images": IMAGES, "train_labels": LABELS}
    four |= {"val_images": IMAGES[:2], "val_labels": LABELS[:2]}
    splits, notes = read(tmp_path / "a.npz", four)
    assert {name: len(split) for name, split in splits.items()} == {"train": 9, "test": 2}
    assert "tested on" in notes[0]
    splits, notes = read(
        tmp_path / "b.npz", four | {"test_images": IMAGES[:3], "test_labels": LABELS[:3]}
    )
    assert {name: len(split) for name, split in splits.items()} == {"train": 11, "test": 3}
    assert "trained on" in notes[0]


def test_a_column_of_rows_may_be_the_label() -> None:
    table = np.arange(12.0).reshape(3, 4)
    for label, column in (("0", 0), ("-1", 3)):
        split = as_split(table, None, "it", Request(Reading(label=label)))
        assert np.array_equal(split.labels, table[:, column])  # type: ignore[arg-type]
        assert split.features.shape == (3, 3)
    for label in ("4", "-5", "name"):
        with pytest.raises(UsageError, match="no column"):
            as_split(table, None, "it", Request(Reading(label=label)))


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((2, 5, 5, 5)), np.full((2, 2), "a")])
def test_what_is_no_images_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(DataError, match="save images as numbers"):
        as_split(bad, None, "it", Request())
