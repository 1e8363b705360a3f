"""Splits and datasets: what they refuse, and which images are held out for validation."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import CLASSES, toy_dataset

from mlp.common.errors import DataError, UsageError
from mlp.data import dataset
from mlp.data.dataset import Dataset, Split, hold_out
from mlp.data.load import join
from mlp.data.task import Task

COUNTS = (100, 50, 31, 12, 7)
LABELS = np.repeat(np.arange(CLASSES), COUNTS).astype(np.uint8)  # sorted by class


def numbered(labels: np.ndarray) -> Dataset:
    """Images that can be told apart, each with its own number in its pixels."""
    N = len(labels)
    images = np.zeros((N, 2, 2), np.uint8)
    images[:, 0] = np.stack([np.arange(N) // 256, np.arange(N) % 256], axis=1)
    split = Split(images, labels)
    return Dataset("numbered", "tests", CLASSES, split, split)


def numbers(split: Split) -> np.ndarray:
    found: np.ndarray = split.images[:, 0, 0].astype(int) * 256 + split.images[:, 0, 1]
    return found


# Splits and datasets


def test_they_are_shown_without_their_pixels() -> None:
    data = numbered(LABELS)
    assert repr(data.train) == "Split(200 images of 2 x 2 pixels)"
    assert repr(data) == (
        "Dataset('numbered', classes=5, train=Split(200 images of 2 x 2 pixels), "
        "test=Split(200 images of 2 x 2 pixels))"
    )


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (np.zeros((3, 4), np.uint8), np.zeros(3, np.uint8), r"images must be .* \(3, 4\)"),
        (
            np.zeros((3, 2, 2), np.int64),
            np.zeros(3, np.uint8),
            r"images must be uint8 .* not int64 of shape",
        ),
        (np.zeros((3, 2, 2), np.uint8), np.zeros(3, int), r"labels must be uint8 .* not int64"),
        (np.zeros((3, 2, 2), np.uint8), np.zeros((3, 1, 1), np.uint8), r"labels must be"),
        (np.zeros((3, 2, 2), np.uint8), np.zeros(2, np.uint8), r"3 images but 2 labels"),
    ],
)
def test_arrays_that_make_no_split_are_refused(images: Any, labels: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Split(images, labels)


@pytest.mark.parametrize(
    ("test", "classes", "sentence"),
    [
        (numbered(LABELS).train[:0], CLASSES, "test split of tests holds no images"),
        (numbered(LABELS).train, 4, "training label 193 of tests is 4, but labels run from 0 to 3"),
        (toy_dataset().test, CLASSES, r"\(2, 2\) pixels but test images \(4, 4\)"),
    ],
)
def test_splits_that_make_no_dataset_are_refused(test: Split, classes: int, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Dataset("numbered", "tests", classes, numbered(LABELS).train, test)


# Held-out images


@pytest.mark.parametrize(("validation", "count"), [(0.1, 20), (50, 50), (7, 7), (1, 1)])
def test_each_class_is_held_out_in_proportion(validation: float, count: int) -> None:
    data = numbered(LABELS)
    kept, held_out = hold_out(data, validation, seed=3)
    assert (len(kept), len(held_out)) == (200 - count, count)
    counts = np.bincount(held_out.labels, minlength=CLASSES)
    assert np.abs(counts - count * np.array(COUNTS) / 200).max() < 1
    for split in (kept, held_out):
        rows = numbers(split)
        assert (np.diff(rows) > 0).all()
        np.testing.assert_array_equal(split.labels, LABELS[rows])
    assert sorted([*numbers(kept), *numbers(held_out)]) == list(range(200))


def test_the_seed_decides_which_images_are_held_out() -> None:
    data = numbered(LABELS)
    first, again, other = (numbers(hold_out(data, 40, seed)[1]).tolist() for seed in (0, 0, 1))
    assert first == again != other
    assert first != list(range(160, 200))


def test_each_answer_is_held_out_in_proportion() -> None:
    answers = (LABELS[0] == LABELS).astype(np.uint8)[:, None]
    split = Split(np.zeros((len(answers), 2, 2), np.uint8), answers)
    data = Dataset("answers", "tests", 1, split, split, Task("binary", ("first",), (1,)))
    for seed in range(5):
        kept, held_out = hold_out(data, 0.2, seed)
        assert abs(held_out.labels.sum() - 0.2 * answers.sum()) <= 1
        assert kept.labels.sum() + held_out.labels.sum() == answers.sum()


def test_images_with_several_answers_are_drawn_from_everywhere() -> None:
    answers = np.eye(CLASSES, dtype=np.uint8)[LABELS]
    data = replace(numbered(answers), task=Task("multilabel"))
    kept, held_out = hold_out(data, 40, seed=0)
    rows = numbers(held_out)
    assert len(set(rows)) == 40
    assert rows.min() < 50
    assert rows.max() > 150
    np.testing.assert_array_equal(kept.labels, answers[numbers(kept)])


def test_without_validation_the_split_is_not_copied() -> None:
    data = numbered(LABELS)
    kept, held_out = hold_out(data, 0.001, seed=0)
    assert kept is data.train
    assert len(held_out) == 0


def test_of_joined_datasets_images_of_the_first_are_held_out() -> None:
    joined = join([numbered(LABELS), toy_dataset(train=60, side=2)])
    assert joined.validation_start == 60
    _, held_out = hold_out(joined, 50, seed=0)
    np.testing.assert_array_equal(held_out.labels, LABELS[numbers(held_out)])
    assert len(hold_out(joined, 230, seed=0)[1]) == 230  # more than the first has
    thrice = join([joined, numbered(LABELS)])
    assert thrice.validation_start == 260


@pytest.mark.parametrize("validation", [200, 1e9, 0.999])
def test_holding_out_everything_is_refused(validation: float) -> None:
    with pytest.raises(UsageError, match="hold out fewer"):
        hold_out(numbered(LABELS), validation, seed=0)


def mapped(tmp_path: Path) -> Dataset:
    data = numbered(LABELS)
    data.train.images.tofile(tmp_path / "images")
    images = np.memmap(tmp_path / "images", np.uint8, "r", shape=data.train.images.shape)
    return replace(data, train=Split(images, LABELS))


@pytest.mark.parametrize("limit", [0, 20, 4 * 160, 1 << 20])
def test_large_mapped_files_stay_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(dataset, "MOST_COPIED", limit)
    expected = hold_out(numbered(LABELS), 40, seed=0)
    for split, plain in zip(hold_out(mapped(tmp_path), 40, seed=0), expected, strict=True):
        np.testing.assert_array_equal(split.images, plain.images)
        np.testing.assert_array_equal(split.labels, plain.labels)
        assert isinstance(split.images, np.memmap) == (4 * len(split) > limit)


def test_a_disk_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(dataset, "MOST_COPIED", 0)
    monkeypatch.setattr(dataset.tempfile, "TemporaryFile", full)
    with pytest.raises(DataError, match=r"takes 640 bytes in .*No space left.*TMPDIR"):
        hold_out(mapped(tmp_path), 40, seed=0)


# Columns


def test_columns_and_real_numbers_make_a_dataset_that_is_held_out_of() -> None:
    rng = np.random.default_rng(0)
    split = Split(
        rng.normal(size=(40, 3)).astype(np.float32), rng.normal(size=(40, 1)).astype(np.float32)
    )
    assert repr(split) == "Split(40 rows of 3 columns)"
    data = Dataset("columns", "tests", 1, split, split[:5])
    assert data.pixels == 3
    kept, held_out = hold_out(data, 0.25, 0)
    assert (len(kept), len(held_out)) == (30, 10)
    together = np.concatenate([kept.images, held_out.images])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(split.images, axis=0))
