"""Shards of a network, one a worker, are together the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import CLASSES, DATA, FAST, share_out, toy_model, trained

from mlp.nn.network import MLP
from mlp.training.executors.small_batches import SmallBatchExecutor
from mlp.training.loop import train
from mlp.training.parallel.tensor_parallel import (
    Shard,
    ShardPlan,
    make_shards,
    plan_shards,
)
from mlp.training.parallel.workers import WorkerGroup
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

HIDDEN: dict[str, tuple[int, ...]] = {
    "a pair": (9,),
    "a pair of few units": (3,),
    "a pair and a layer": (9, 7),
    "two pairs": (9, 7, 5),
    "two pairs and a layer": (8, 7, 6, 5),
}
RECIPES: dict[str, dict[str, Any]] = {
    "momentum": {},
    "decay": {"nesterov": True, "weight_decay": 0.01, "clip_value": 0.1},
    "max-norm": {"max_norm": 0.7},
    "dropout": {"input_dropout": 0.1, "dropout": 0.3, "max_norm": 0.9},
    "one image left": {"batch_size": 59, "dropout": 0.3},
    "deformed": {"augment": "affine,elastic", "batch_size": 7},  # spans of 28, 28 and 4
    "deformed, full": {"augment": "affine,elastic", "batch_size": "full"},
    "full": {"batch_size": "full"},
    "quadratic": {"loss": "quadratic"},
}


@pytest.mark.parametrize(
    ("hidden", "options", "workers"),
    [
        (HIDDEN[hidden], RECIPES[recipe], 2 + (i + j) % 2)
        for i, hidden in enumerate(HIDDEN)
        for j, recipe in enumerate(RECIPES)
    ],
    ids=[f"{hidden}, {recipe}" for hidden in HIDDEN for recipe in RECIPES],
)
def test_shards_learn_what_the_network_would(
    hidden: tuple[int, ...], options: dict[str, Any], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the batch: the last of an epoch, of 60 images, has 1, 2, 4 or all of them."""
    recipe = Recipe(**{"batch_size": 29, **FAST, **options})

    def learnt() -> np.ndarray:
        model = toy_model(*hidden, dtype="float64")
        train(model, DATA, recipe)
        parameters: np.ndarray = model.parameters
        return parameters

    monkeypatch.setattr("backends.cpu.usable_cores", lambda: 1)
    one = learnt()
    share_out(monkeypatch, workers)
    executor = Trainer(toy_model(*hidden), DATA.train, recipe).executor
    assert isinstance(executor, SmallBatchExecutor)
    assert len(executor.shards) > executor.group.size - 1 == workers - 1
    np.testing.assert_allclose(learnt(), one, rtol=0, atol=1e-12)


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize(
    "options",
    [
        *(RECIPES[name] for name in ("decay", "dropout", "one image left", "deformed")),
        {"optimizer": "adamw", "average": "ema(0.9)", "train_accuracy": "running"},
        {"freeze": "1"},
    ],
    ids=str,
)
def test_any_number_of_workers_computes_the_same_bytes(
    hidden: tuple[int, ...], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, results = Recipe(**{"batch_size": 7, **FAST, **options}), []
    for workers in (1, 2, 3, 64):
        share_out(monkeypatch, workers)
        model = toy_model(*hidden)
        history = train(model, DATA, recipe)
        told = [(epoch.loss, epoch.train_accuracy) for epoch in history.epochs]
        results.append((model.parameters.tobytes(), told))
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("network", [{"bias": False}, {"activation": "sigmoid"}])
def test_shards_of_any_network(network: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size=29, **FAST)
    monkeypatch.setattr("backends.cpu.usable_cores", lambda: 1)
    one = trained(recipe, dtype="float64", **network)
    share_out(monkeypatch, 2)
    shared = trained(recipe, dtype="float64", **network)
    np.testing.assert_allclose(shared, one, rtol=0, atol=1e-12)


def test_what_all_workers_have_stays_the_same_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the workers would drift apart: nothing but the sums holds them together."""
    share_out(monkeypatch, 3)
    model = toy_model(9, 7, 6, 5, activation="tanh")
    trainer = Trainer(model, DATA.train, Recipe(batch_size=2, **FAST))
    assert isinstance(trainer.executor, SmallBatchExecutor)
    first, *others = (worker.steps[0].model for worker in trainer.executor.workers[3])
    assert len(others) == 2
    for number in range(4):
        trainer.epoch(number)
        for shard in others:
            assert isinstance(shard, Shard)
            np.testing.assert_array_equal(shard.linear[4].W, first.linear[4].W)
            np.testing.assert_array_equal(shard.linear[4].b, first.linear[4].b)
            assert shard.linear[1].b is None  # it is in the sum once


def test_a_change_of_the_network_between_epochs_reaches_the_shards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    share_out(monkeypatch, 2)
    model = toy_model()
    trainer = Trainer(model, DATA.train, Recipe(batch_size=29, **{**FAST, "lr": 1e-30}))
    for number, value in enumerate((0.25, 0.5)):
        model.parameters[:] = value
        trainer.epoch(number)
        np.testing.assert_array_equal(model.parameters, value)


@pytest.mark.parametrize(("hidden", "barriers"), [((9,), 1), ((9, 7), 1), ((9, 7, 5), 3)])
def test_an_update_meets_once_for_the_first_pair_and_twice_for_another(
    hidden: tuple[int, ...], barriers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_out(monkeypatch, 2)
    trainer = Trainer(toy_model(*hidden), DATA.train, Recipe(batch_size=10, **FAST))
    assert isinstance(trainer.executor, SmallBatchExecutor)
    trainer.epoch(0)
    spans = -(-6 // trainer.executor.span)
    for worker in range(2):
        met = trainer.executor.group._barrier._lines[worker, 0]  # where compiled steps count, too
        assert met == 1 + 6 * barriers + spans  # the first when all have started


# Cutting


def test_shards_hold_each_weight_once() -> None:
    model, group = MLP([16, 9, 7, CLASSES]), WorkerGroup(2)
    first, second = make_shards(model, 10, group, ShardPlan(2, [0]))
    assert [layer.W.shape for layer in first.linear] == [(16, 4), (4, 7), (7, CLASSES)]
    assert [layer.W.shape for layer in second.linear] == [(16, 5), (5, 7), (7, CLASSES)]
    for shard in (first, second):
        shard.scatter(model.parameters, shard.parameters)
    np.testing.assert_array_equal(
        np.hstack([first.linear[0].W, second.linear[0].W]), model.linear[0].W
    )
    np.testing.assert_array_equal(
        np.vstack([first.linear[1].W, second.linear[1].W]), model.linear[1].W
    )
    start = model.parameters.copy()
    model.parameters[:] = np.nan
    for shard in (first, second):
        shard.unshard(shard.parameters, model.parameters)
    np.testing.assert_array_equal(model.parameters, start)


@pytest.mark.parametrize(
    ("sizes", "batch_size", "most", "shards", "pairs"),
    [
        ((784, 16, 16, 10), 32, 2, 1, []),  # too little work
        ((784, 196, 49, 16, 10), 32, 2, 2, [0]),
        ((784, 256, 128, 10), 128, 2, 2, [0]),
        ((784, 1024, 1024, 1024, 10), 128, 2, 2, [0, 2]),
        ((784, 256, 128, 150, 10), 128, 2, 2, [0]),  # two sums for a later pair
        ((784, 196, 49, 16, 10), 32, 64, 6, [0]),  # 5 million operations each
        ((100_000, 3, 10), 1000, 64, 3, [0]),  # a shard needs a unit
        ((784, 10), 1000, 2, 1, []),
        # more would read more than they compute
        ((784, 1024, 1024, 1024, 10), 128, 64, 14, [0, 2]),
    ],
)
def test_what_is_worth_sharing(
    sizes: tuple[int, ...],
    batch_size: int,
    most: int,
    shards: int,
    pairs: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mlp.training.parallel.tensor_parallel.MOST_SHARDS", most)
    plan = plan_shards(MLP(sizes, init=None), batch_size)
    assert (plan.shards, plan.pairs) == (shards, pairs)
