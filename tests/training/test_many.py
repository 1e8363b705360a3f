"""Several seeds: which train side by side, and what becomes of those that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, toy_model

from mlp.data.dataset import Split
from mlp.data.load import as_binary
from mlp.training.loop import train
from mlp.training.many import train_many, why_apart
from mlp.training.recipe import Recipe
from mlp.training.together import Trained, Watch

SEEDS = (4, 1)


def models(**options: Any) -> list[Any]:
    return [toy_model(seed=seed, **options) for seed in SEEDS]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"batch_size": "full", "train_accuracy": "running"},
        {"optimizer": "adam", "average": "ema", "max_norm": 3.0, "freeze": "1"},
        {"loss": "focal", "label_smoothing": 0.1, "clip_value": 1.0},
    ],
)
def test_most_recipes_train_side_by_side(changes: dict[str, Any]) -> None:
    assert why_apart(toy_model(activation="gelu"), DATA, Recipe(**changes)) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dropout": 0.1}, "dropout"),
        ({"input_dropout": 0.1}, "dropout"),
        ({"augment": "affine"}, "deformed"),
        ({"clip_norm": 1.0}, "norm of each gradient"),
        ({"class_weight": "balanced"}, "weights"),
        ({"validation": 0.1}, "holds out"),
    ],
)
def test_what_a_seed_or_a_whole_gradient_decides_trains_apart(
    changes: dict[str, Any], reason: str
) -> None:
    assert reason in str(why_apart(toy_model(), DATA, Recipe(**changes)))


@pytest.mark.parametrize("name", ["batch_norm", "layer_norm"])
def test_layers_with_parameters_of_their_own_train_apart(name: str) -> None:
    assert name in str(why_apart(toy_model(activation=f"{name},relu"), DATA, Recipe()))


def test_other_tasks_and_weighted_examples_train_apart() -> None:
    assert "binary" in str(why_apart(toy_model(), as_binary(DATA, (1,)), Recipe()))
    split = Split(DATA.train.images, DATA.train.labels, np.ones(len(DATA.train)))
    assert "weights" in str(why_apart(toy_model(), replace(DATA, train=split), Recipe()))


@pytest.mark.parametrize("together", [True, False, None])
def test_both_ways_return_the_same(together: bool | None) -> None:
    class Told(Watch):
        def __init__(self) -> None:
            self.done: list[int] = []

        def on_trained(self, number: int, trained: Trained) -> None:
            self.done.append(trained.recipe.seed)

    told, networks = Told(), models(dtype="float64")
    found = train_many(networks, DATA, Recipe(**FAST), SEEDS, watch=told, together=together)
    assert told.done == list(SEEDS)
    assert [one.model for one in found] == networks
    for number, seed in enumerate(SEEDS):
        alone = toy_model(seed=seed, dtype="float64")
        history = train(alone, DATA, Recipe(**FAST, seed=seed))
        np.testing.assert_allclose(
            found[number].model.parameters, alone.parameters, atol=1e-12, rtol=0
        )
        assert found[number].history.epochs[-1].test_accuracy == history.epochs[-1].test_accuracy


def test_one_of_several_that_diverges_is_told_and_the_next_goes_on() -> None:
    networks = models()
    networks[0].linear[0].b[:] = np.nan
    found = train_many(networks, DATA, Recipe(**FAST, dropout=0.1), SEEDS)
    assert "nan" in str(found[0].problem)
    assert found[1].problem is None
    assert len(found[1].history.epochs) == 4


def test_a_stop_leaves_out_those_that_were_not_begun() -> None:
    class Stops(Watch):
        asked = 0

        def stops(self) -> bool:
            self.asked += 1
            return self.asked > 3

    found = train_many(models(), DATA, Recipe(**FAST, dropout=0.1), SEEDS, watch=Stops())
    assert [one.history.interrupted for one in found] == [True]
