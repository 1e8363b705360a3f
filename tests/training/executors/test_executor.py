"""Executors: workers compute what one would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, share_out, small_micro_batches, toy_model, trained

from mlp.training.executors.small_batches import SmallBatchExecutor
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

LARGE: list[dict[str, Any]] = [
    {"batch_size": "full"}, {"batch_size": 47},  # a tail of 13
    {"batch_size": 59, "nesterov": True, "weight_decay": 0.01, "clip_norm": 0.5},  # a tail of 1
    {"batch_size": 47, "dropout": 0.3, "augment": "affine"},  # drawn by an image's place
    {"batch_size": 47, "optimizer": "adamw", "weight_decay": 0.01},
]  # fmt: skip


@pytest.mark.parametrize("options", LARGE, ids=["full", "47", "59", "random", "adamw"])
@pytest.mark.parametrize("working_set", [3000, 8 << 20])
@pytest.mark.parametrize("workers", [2, 3])
def test_workers_give_the_same_as_one(
    workers: int, working_set: int, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(**options, **FAST)
    one = trained(recipe, dtype="float64")
    small_micro_batches(monkeypatch, working_set)
    share_out(monkeypatch, workers)
    updates = Trainer(toy_model(), DATA.train, recipe).executor
    alone = isinstance(updates, SmallBatchExecutor) and recipe.clip_norm is not None
    assert updates.group.size == (1 if alone else workers)
    shared = trained(recipe, dtype="float64")
    np.testing.assert_allclose(shared, one, rtol=0, atol=1e-12)
    assert trained(recipe, dtype="float64").tobytes() == shared.tobytes()


@pytest.mark.parametrize("batch_size", [47, "full"])
def test_workers_count_and_tell_the_same(batch_size: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size=batch_size, train_accuracy="running", **FAST)
    one = train(toy_model(dtype="float64"), DATA, recipe).epochs
    share_out(monkeypatch, 3)
    shared = train(toy_model(dtype="float64"), DATA, recipe).epochs
    for epoch, other in zip(shared, one, strict=True):
        assert epoch.loss == pytest.approx(other.loss, rel=1e-12)
        assert epoch.train_accuracy == other.train_accuracy
