"""The same digits for another task: one question, and two digits overlaid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlp.common.errors import UsageError
from mlp.data.dataset import Dataset, Split
from mlp.data.load import load_dataset, relabel_for
from mlp.data.relabel import SHIFT, as_binary, overlay
from mlp.data.task import Task


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("synthetic:300+80")


def test_a_binary_task_keeps_the_images(digits: Dataset) -> None:
    asked = as_binary(digits, [4, 2, 4])
    assert asked.task == Task("binary", ("2 or 4",), (2, 4))
    assert (asked.classes, asked.train.labels.shape) == (1, (300, 1))
    np.testing.assert_array_equal(asked.train.images, digits.train.images)
    np.testing.assert_array_equal(asked.test.labels[:, 0], np.isin(digits.test.labels, [2, 4]))


def test_positive_classes_are_named_and_not_counted() -> None:
    """Of the classes 1 and 3, the class 1 was taken for the second, and there was no 3."""
    labels = np.arange(6).astype(np.uint8) % 2
    split = Split(np.zeros((6, 2, 2), np.uint8), labels)
    odd = Dataset("odd", "tests", 2, split, split, task=Task(names=("1", "3")))
    np.testing.assert_array_equal(as_binary(odd, [3]).test.labels[:, 0], labels)
    np.testing.assert_array_equal(as_binary(odd, [1]).test.labels[:, 0], 1 - labels)
    with pytest.raises(UsageError, match="which are 1, 3"):
        as_binary(odd, [0])
    assert overlay(odd).task.names == ("1", "3")


@pytest.mark.parametrize("positive", [[], list(range(10)), [10], [-1], [3, 12], [0.5]])
def test_classes_that_make_no_question_are_refused(digits: Dataset, positive: list[int]) -> None:
    with pytest.raises(UsageError, match="some but not all of the classes of synthetic"):
        as_binary(digits, positive)


def test_two_digits_of_different_classes_are_overlaid(digits: Dataset) -> None:
    both = overlay(digits)
    assert both.task == Task("multilabel")
    assert both.name == f"{digits.name}-overlaid"
    assert (both.train.labels.sum(axis=1) == 2).all()
    own = np.take_along_axis(both.train.labels, digits.train.labels[:, None].astype(int), axis=1)
    assert (own == 1).all()
    ink, alone = (split.images.astype(int).sum(axis=(1, 2)) for split in (both.train, digits.train))
    assert (ink > alone).mean() > 0.9
    assert both.train.checksum == overlay(digits).train.checksum


def test_a_lone_point_is_moved_by_up_to_so_many_pixels() -> None:
    images = np.zeros((200, 28, 28), np.uint8)
    images[:, 14, 14] = 255
    split = Split(images, (np.arange(200) % 2).astype(np.uint8))
    both = overlay(Dataset("points", "tests", 2, split, split)).train.images
    _, rows, columns = np.nonzero(both)
    for places in (rows, columns):
        assert (places.min(), places.max()) == (14 - SHIFT, 14 + SHIFT)


def test_images_of_one_class_have_no_other_to_overlay(digits: Dataset) -> None:
    ones = Split(digits.train.images, np.ones(300, np.uint8))
    with pytest.raises(UsageError, match="all of one class"):
        overlay(replace(digits, train=ones))


def test_a_dataset_is_relabelled_for_a_models_task(digits: Dataset) -> None:
    binary = Task("binary", ("2 or 4",), (2, 4))
    assert relabel_for(Task(), digits) is digits
    asked = relabel_for(binary, digits)
    assert asked.task == binary
    assert relabel_for(binary, asked) is asked
    assert relabel_for(Task("multilabel"), digits).train.checksum == overlay(digits).train.checksum
