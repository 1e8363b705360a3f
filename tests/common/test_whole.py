"""Whole numbers of any type, and what is none."""

from __future__ import annotations

import json
from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pytest

from mlp.common.errors import UsageError
from mlp.common.whole import as_whole
from mlp.data.load import as_binary, load_dataset
from mlp.models.metadata import metadata_of
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe


@pytest.mark.parametrize("value", [7, np.int64(7), np.uint8(7), np.array(7)[()]])
def test_whole_numbers_become_plain_ints(value: object) -> None:
    assert as_whole(value) == 7
    assert type(as_whole(value)) is int


@pytest.mark.parametrize("value", [True, np.True_, 7.0, np.float64(7), Fraction(7), "7", None, [7]])
def test_anything_else_is_none(value: object) -> None:
    assert as_whole(value) is None


def test_a_recipe_takes_numpys_numbers() -> None:
    recipe = Recipe(
        batch_size=np.int64(32),
        epochs=np.uint8(3),
        seed=np.int32(1),
        validation=np.int64(10),
        lr=np.float32(0.5),  # type: ignore[arg-type]
        report_every=np.int64(2),
    )
    assert recipe == Recipe(batch_size=32, epochs=3, seed=1, validation=10, lr=0.5, report_every=2)
    json.dumps(asdict(recipe))


@pytest.mark.parametrize("value", [True, np.True_, 32.0, np.float64(32), "32"])
@pytest.mark.parametrize("name", ["batch_size", "epochs", "seed", "report_every"])
def test_a_recipe_refuses_what_is_no_whole_number(name: str, value: object) -> None:
    with pytest.raises(UsageError, match="must be a whole number"):
        Recipe(**{name: value})  # type: ignore[arg-type]


def test_a_network_takes_numpys_numbers() -> None:
    model = MLP([np.int64(784), 10], seed=np.int64(3))
    assert model.sizes == (784, 10)
    assert all(type(size) is int for size in model.sizes)
    json.dumps([model.sizes, metadata_of(model).to_json()])


@pytest.mark.parametrize("sizes", [[True, 10], [784.0, 10], [784, 0], [784, np.int64(-1)], [784]])
def test_a_network_refuses_sizes_that_are_no_positive_whole_numbers(sizes: list[object]) -> None:
    with pytest.raises(UsageError, match="all positive"):
        MLP(sizes)  # type: ignore[arg-type]


def test_positive_classes_may_be_numpys_numbers() -> None:
    task = as_binary(load_dataset("synthetic:20+10"), list(np.arange(0, 10, 2))).task
    assert task.positive == (0, 2, 4, 6, 8)
    assert all(type(digit) is int for digit in task.positive)
