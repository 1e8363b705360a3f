"""What a training would see of data in any form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlp.common.quiet import quiet
from mlp.data.describe_table import are_plain_images, describe_table
from mlp.data.raw import TEST, TRAIN, WHOLE, RawSplit
from mlp.data.reading import Reading


def table(N: int = 30, seed: int = 0) -> RawSplit:
    rng = np.random.default_rng(seed)
    return RawSplit(
        rng.normal(3.0, 2.0, (N, 2)), np.array(["no", "yes", "no"] * (N // 3)), ("a", "b")
    )


def test_columns_are_told_in_their_own_units_with_what_they_lack() -> None:
    train, test = table(), table(9, seed=1)
    train.features[4, 1] = test.features[0, 1] = np.nan
    found = describe_table({TRAIN: train, TEST: test}, Path("x"), Reading(), "multiclass", quiet)
    assert found.rows == {TRAIN: 30, TEST: 9}
    assert found.classes == {"no": {TRAIN: 20, TEST: 6}, "yes": {TRAIN: 10, TEST: 3}}
    assert [column.name for column in found.columns] == ["a", "b"]
    assert [column.missing for column in found.columns] == [0, 2]
    assert found.columns[1].mean == pytest.approx(np.nanmean(train.features[:, 1]))
    assert found.columns[0].deviation == pytest.approx(train.features[:, 0].std())
    assert found.problems == ["column b lacks 2 values: train with --missing mean"]


def test_numbers_to_estimate_are_told() -> None:
    split = RawSplit(table().features, np.arange(30.0), ("a", "b"))
    found = describe_table({WHOLE: split}, Path("x"), Reading(), "regression", quiet)
    assert found.classes == {}
    assert len(found.numbers) == 1
    assert sum(found.rows.values()) == 30


def test_a_rare_class_is_a_problem() -> None:
    labels = np.array(["often"] * 280 + ["seldom"] * 20)
    split = RawSplit(np.random.default_rng(0).normal(size=(300, 2)), labels)
    found = describe_table({WHOLE: split}, Path("x"), Reading(), "multiclass", quiet)
    assert "class seldom has" in "; ".join(found.problems)


@pytest.mark.parametrize(
    ("pixels", "labels", "plain"),
    [
        (np.full((4, 8, 8), 255, np.uint8), [0, 1, 2, 3], True),
        (np.full((4, 8, 8), 255, np.uint8), [1, 2, 3, 9], True),  # of which some lack
        (np.full((4, 8, 8), 255, np.uint8), [1, 2, 3, 4], False),
        (np.full((4, 8, 8), 16, np.uint8), [0, 1, 2, 3], False),
        (np.full((4, 8, 8), 1.0), [0, 1, 2, 3], True),
        (np.full((4, 8, 8), 255, np.uint8), ["a", "b", "c", "d"], False),
        (np.full((4, 3), 2.0), [0, 1, 2, 3], False),
    ],
)
def test_images_of_bytes_are_told_from_what_needs_reading(
    pixels: np.ndarray, labels: list[object], plain: bool
) -> None:
    assert are_plain_images({WHOLE: RawSplit(pixels, np.array(labels))}, "t.npz") == plain
