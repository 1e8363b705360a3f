"""What is told of a dataset: its figures, and the problems that would spoil a training."""

from __future__ import annotations

import numpy as np
import pytest
from small_datasets import digits

from mlp.data.dataset import Split
from mlp.data.describe import describe_dataset
from mlp.data.formats.splits import TEST, TRAIN, WHOLE
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
