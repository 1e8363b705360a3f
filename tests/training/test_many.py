"""Several seeds: which train side by side, and what becomes of those that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from toys import DATA, FAST, toy_dataset, toy_model

from backends import get_backend
from mlp.data.dataset import Split
from mlp.data.load import as_binary
from mlp.nn.losses import LOSSES, SoftmaxCrossEntropy
from mlp.nn.network import MLP
from mlp.training.history import Epoch
from mlp.training.loop import train
from mlp.training.many import COPIES, Plan, plan, train_many, why_apart
from mlp.training.recipe import Recipe
from mlp.training.together import Trained, Watch

SEEDS = (4, 1, 7)


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


@pytest.mark.parametrize("at_once", [3, 2, 1, None])
def test_whichever_way_the_networks_are_the_same(at_once: int | None) -> None:
    class Told(Watch):
        def __init__(self) -> None:
            self.done: list[int] = []
            self.epochs: list[int] = []

        def on_trained(self, number: int, trained: Trained) -> None:
            assert trained.recipe.seed == SEEDS[number]
            self.done.append(number)

        def on_epoch(self, number: int, epoch: Epoch) -> None:
            self.epochs.append(number)

    told, networks = Told(), models(dtype="float64")
    found = train_many(networks, DATA, Recipe(**FAST), SEEDS, watch=told, at_once=at_once)
    assert told.done == [0, 1, 2]
    assert sorted(told.epochs) == [0] * 4 + [1] * 4 + [2] * 4
    assert [one.model for one in found] == networks
    for number, seed in enumerate(SEEDS):
        alone = toy_model(seed=seed, dtype="float64")
        history = train(alone, DATA, Recipe(**FAST, seed=seed))
        np.testing.assert_allclose(
            found[number].model.parameters, alone.parameters, atol=1e-12, rtol=0
        )
        assert found[number].history.epochs[-1].test_accuracy == history.epochs[-1].test_accuracy


@pytest.mark.parametrize(
    ("hidden", "batch_size", "at_once"),
    [
        ((16, 16), "full", 25),
        ((16, 16), 60_000, 1),  # all of them as well, but in an order of each seed
        ((128,), "full", 7),
        ((256, 128), "full", 2),
        ((600, 600), "full", 1),
        ((16,), 10, 9),
        ((16,), 32, 4),
        ((16,), 128, 1),
        ((256, 128), 32, 1),
    ],
)
def test_a_cpu_takes_as_many_as_gain(
    hidden: tuple[int, ...], batch_size: Any, at_once: int
) -> None:
    model, data = MLP([16, *hidden, 10]), toy_dataset(train=200)
    chosen = plan(model, 25, data, Recipe(batch_size=batch_size))
    assert chosen.at_once == at_once
    assert (chosen.reason is None) == (at_once > 1)


def test_another_device_takes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    open_stand_in(monkeypatch)
    model = toy_model(300, backend=get_backend("cuda"))
    assert plan(model, 25, DATA, Recipe()) == Plan(25)


def test_another_device_takes_as_many_as_its_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    open_stand_in(monkeypatch)
    model = toy_model(300, backend=get_backend("cuda"))
    each = COPIES * model.parameters.nbytes
    for free, at_once in ((3 * each + 5, 3), (2 * each + 4, 1)):
        memory = model.backend.memory()._replace(free=free, working_set=5)
        monkeypatch.setattr(type(model.backend), "memory", lambda _, memory=memory: memory)
        chosen = plan(model, 25, DATA, Recipe())
        assert chosen.at_once == at_once
        assert (chosen.reason is None) == (at_once > 1)


@pytest.mark.parametrize("broadcast", [True, False])
def test_a_loss_that_adds_up_all_networks_trains_apart(
    broadcast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one was written before networks stood side by side."""

    class Summed(SoftmaxCrossEntropy):
        def value(self, xp: Any, outputs: Any, targets: Any, kept: Any, loss: Any) -> None:
            terms = (outputs - targets) ** 2
            if broadcast:
                loss[...] = terms.sum()
            else:
                xp.sum(terms, out=loss.reshape(()))

    monkeypatch.setitem(LOSSES._entries, "summed", Summed)
    assert "adds up the losses of all networks" in str(
        why_apart(toy_model(), DATA, Recipe(loss="summed"))
    )


def test_one_of_several_that_diverges_is_told_and_the_next_goes_on() -> None:
    networks = models()
    networks[0].linear[0].b[:] = np.nan
    found = train_many(networks, DATA, Recipe(**FAST, dropout=0.1), SEEDS)
    assert "nan" in str(found[0].problem)
    assert found[0].history.epochs == []
    assert [one.problem for one in found[1:]] == [None, None]
    assert len(found[1].history.epochs) == 4


def test_one_that_diverges_late_keeps_what_its_run_chose() -> None:
    class Spoils(Watch):
        def on_epoch(self, number: int, epoch: Epoch) -> None:
            if epoch.epoch == 2:
                networks[number].linear[0].b[:] = np.nan

    networks = models()[:1]
    recipe = Recipe(**FAST, dropout=0.1, validation=0.2, keep="best")
    (found,) = train_many(networks, DATA, recipe, SEEDS[:1], watch=Spoils())
    assert found.problem is not None
    assert len(found.history.epochs) == 2
    assert found.history.chosen in (1, 2)


def test_a_stop_leaves_out_those_that_were_not_begun() -> None:
    class Stops(Watch):
        asked = 0

        def stops(self) -> bool:
            self.asked += 1
            return self.asked > 3

    found = train_many(models(), DATA, Recipe(**FAST, dropout=0.1), SEEDS, watch=Stops())
    assert [one.history.interrupted for one in found] == [True]
