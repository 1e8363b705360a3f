"""What is told of a dataset: its figures, and the problems that would spoil a training."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from small_datasets import digits

from mlp.common.errors import DataError
from mlp.data import describe
from mlp.data.dataset import Dataset, Split
from mlp.data.describe import check_varied, describe_dataset, spoilers
from mlp.data.formats.splits import TEST, TRAIN, WHOLE
from mlp.data.load import load_dataset
from mlp.data.mnist import MnistUnavailable, load_mnist


def test_the_figures_are_those_of_the_pixels() -> None:
    split = digits(2_345, 3, 4)
    found = describe_dataset({WHOLE: split}, 10).splits[WHOLE]
    assert (found.images, found.height, found.width) == (2_345, 3, 4)
    assert found.class_counts == [int((split.labels == c).sum()) for c in range(10)]
    assert found.mean == pytest.approx((split.images / 255).mean(), rel=1e-12)
    assert found.std == pytest.approx((split.images / 255).std(), rel=1e-12)
    assert found.sha256 == split.checksum


def problems(train: Split, test: Split | None = None) -> str:
    splits = {TRAIN: train, TEST: test} if test is not None else {WHOLE: train}
    return "; ".join(describe_dataset(splits, 10).problems)


def test_problems_are_seen() -> None:
    good = digits(500)
    dark = Split(good.images // 3, good.labels)
    assert problems(dark, Split(digits(400).images // 3, digits(400).labels)) == ""
    assert "no images of class 0, 2" in problems(
        Split(dark.images, np.where(np.isin(dark.labels, [0, 2]), 1, dark.labels).astype(np.uint8))
    )
    assert "inverted" in problems(Split(255 - dark.images, dark.labels))
    assert "sorted by class" in problems(Split(dark.images, np.sort(dark.labels)))
    blank = dark.images.copy()
    blank[[3, 5]] = 7
    assert "2 images of one colour" in problems(Split(blank, dark.labels))
    assert "500 test images are among" in problems(dark, dark)
    twice = Split(np.repeat(dark.images, 2, axis=0), np.tile([1, 2], 500).astype(np.uint8))
    assert "500 images that are there again with another label" in problems(twice)


def of_columns(X: np.ndarray, y: np.ndarray, X_test: np.ndarray) -> str:
    y_test = np.resize(y, len(X_test))
    return "; ".join(spoilers(load_dataset(((X, y), (X_test, y_test)))))


def test_columns_that_would_spoil_a_training_are_seen() -> None:
    rng = np.random.default_rng(0)
    X, y, fresh = rng.normal(size=(40, 4)), np.tile(["a", "b"], 20), rng.normal(size=(10, 4))
    assert of_columns(X, y, fresh) == ""
    assert "10 test rows are among the training rows, value for value" in of_columns(X, y, X[:10])
    X[:, 2] = 5.0
    assert "column 3 never changes: leave it out with --drop" in of_columns(X, y, fresh)
    X[1] = X[0]
    assert "1 rows that are there again with another label" in of_columns(X, y, fresh)


def test_images_that_would_spoil_a_training_are_seen() -> None:
    split, test = digits(500), digits(50, seed=3)
    light = Split(split.images // 3, split.labels)
    sound = Dataset("toy", "tests", 10, light, Split(test.images // 3, test.labels))
    assert list(spoilers(sound)) == []
    inverted = replace(sound, train=Split(255 - light.images, light.labels))
    assert "inverted" in "; ".join(spoilers(inverted))
    nines = np.full_like(light.labels, 9)
    assert "no rows of class 0, 1, 2, 3, 4" in "; ".join(
        spoilers(replace(sound, train=Split(light.images, nines)))
    )
    blank = light.images.copy()
    blank[[3, 5]] = 7
    assert "train: 2 images of one colour" in "; ".join(
        spoilers(replace(sound, train=Split(blank, light.labels)))
    )
    assert "500 test images are among" in "; ".join(spoilers(replace(sound, test=light)))


def test_a_set_that_takes_long_to_look_through_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    split = digits(50)
    same = Dataset("toy", "tests", 10, split, split)
    assert list(spoilers(same))
    monkeypatch.setattr(describe, "MOST_EXAMINED", 100)
    assert list(spoilers(same)) == []


@pytest.mark.mnist
def test_mnist_is_sound() -> None:
    try:
        mnist = load_mnist(download=False)
    except MnistUnavailable as error:
        pytest.skip(str(error))
    found = describe_dataset({TRAIN: mnist.train, TEST: mnist.test}, 10)
    assert found.problems == []
    assert round(found.splits[TRAIN].mean, 4) == 0.1307  # as is well known
    assert round(found.splits[TRAIN].std, 4) == 0.3081


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("Yes", "yes"), "class 'Yes' has 20 rows and 'yes' 20"),
        (("New York", "new  york"), "if they are one class, write it alike"),
        (("setosa", "setsoa"), None),  # as many rows: they may be two
        (("cat", "dog"), None),
    ],
)
def test_classes_that_are_written_in_two_ways_are_told(
    names: tuple[str, str], told: str | None
) -> None:
    X = np.random.default_rng(0).normal(size=(50, 3))
    data = load_dataset((X, np.array(names)[np.arange(50) % 2]))
    found = [sentence for sentence in spoilers(data) if "if they are one class" in sentence]
    assert [told in sentence for sentence in found] == ([] if told is None else [True])


def test_a_slip_in_a_classs_name_is_told() -> None:
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.array(["setosa", "virginica"] * 30)
    y[[4, 18]] = "setsoa"
    told = "; ".join(spoilers(load_dataset((X, y))))
    assert re.search(r"class 'setsoa' has \d rows and 'setosa' 2\d: if they are one class", told)


def test_images_of_another_range_than_others_are_told() -> None:
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (40, 6, 6), dtype=np.uint8)
    images[:, 0, :2] = 0, 255
    images[::4] //= 17
    images[5] = 9  # blank, which is told otherwise
    split = Split(images, np.arange(40, dtype=np.uint8) % 2)
    told = describe_dataset({"all": split}).problems
    sentence = "10 images have no pixel above 15, where others reach 255 of 255: bring all of them"
    assert any(sentence in problem for problem in told)
    dataset = Dataset("t", "t", 2, split, split[:2])
    assert any(sentence in problem for problem in spoilers(dataset))


def test_images_that_hardly_differ_are_told() -> None:
    images = np.random.default_rng(3).integers(117, 119, (40, 6, 6), dtype=np.uint8)
    split = Split(images, np.arange(40, dtype=np.uint8) % 2)
    told = describe_dataset({"all": split}).problems
    assert any("all pixels are from 117 to 118 of 255" in problem for problem in told)


def test_columns_that_are_the_label_in_another_form_are_told() -> None:
    rng = np.random.default_rng(3)
    labels = np.array(["ant", "bee", "cat"])[np.arange(60) % 3]
    own = {"ant": 7.5, "bee": -1.0, "cat": 3.25}
    table = np.column_stack(
        [rng.normal(0, 1, 60), [own[label] for label in labels], labels == "bee", labels != "cat"]
    )
    told = list(spoilers(load_dataset((table, labels), test=12)))
    assert [sentence for sentence in told if "another form" in sentence] == [
        "train: column column 2, column 3, column 4 is alike in all rows of a class: if it is the "
        "label in another form, leave it out with --drop"
    ]
    table[::7, 1:] += 1e-3
    assert not list(spoilers(load_dataset((table, labels), test=12)))
    assert not list(spoilers(load_dataset((table[:15], labels[:15]), test=3)))


def test_rows_that_are_all_alike_are_refused() -> None:
    labels = np.arange(2_500) % 2
    images = np.zeros((2_500, 3, 3), np.uint8)
    dataset = load_dataset((images, labels))
    with pytest.raises(DataError, match=r"all 2,000 training images of .* are alike"):
        check_varied(dataset)
    images[::3, 1, 1] = 7
    check_varied(load_dataset((images, labels)))
    with pytest.raises(DataError, match=r"training rows of .* are alike"):
        check_varied(load_dataset((np.full((40, 3), 2.5), labels[:40])))
