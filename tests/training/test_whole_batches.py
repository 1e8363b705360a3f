"""Layers that take batches whole are found, and batches that they cannot learn from are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from toys import DATA, FAST, toy_model

from mlp.common.errors import UsageError
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.whole_batches import check_whole_batches, whole_batch_layer

NORMED = "batch_norm,sigmoid"


@pytest.mark.parametrize("activation", ["relu", "layer_norm,relu", NORMED])
def test_only_layers_that_take_batches_whole_are_found(activation: str) -> None:
    model = toy_model(activation=activation)
    assert whole_batch_layer(model) == ("batch_norm" if activation == NORMED else "")
    if activation != NORMED:
        check_whole_batches(model, 60, 1)


def test_one_that_is_in_no_list_is_told_by_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    model = toy_model(activation=NORMED)
    monkeypatch.setattr("mlp.training.whole_batches.LAYERS", {})
    assert whole_batch_layer(model).startswith("BatchNorm")


@pytest.mark.parametrize(("batch_size", "which"), [(1, "each batch"), (59, "the last batch")])
def test_a_batch_of_one_image_is_refused(batch_size: int, which: str) -> None:
    recipe = Recipe(batch_size=batch_size, **FAST)
    with pytest.raises(UsageError, match=f"{which} .*has one: choose another --batch-size"):
        train(toy_model(activation=NORMED), DATA, recipe)


def test_a_batch_that_the_memory_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size="full", **FAST)
    model = toy_model(activation=NORMED)
    memory = model.backend.memory()._replace(free=60 * 4 * 16)
    monkeypatch.setattr(type(model.backend), "memory", lambda self: memory)
    with pytest.raises(UsageError, match=r"60 need some 0\.0 GiB .*smaller --batch-size"):
        train(model, DATA, recipe)
    train(model, DATA, replace(recipe, batch_size=5))
