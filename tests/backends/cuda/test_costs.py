"""What an epoch costs a GPU, counted without one: launches, transfers, waits and allocations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from device import CountingBackend
from device_recipes import DATA, FAST, FEW_IMAGES, RECIPES
from toys import toy_model

from mlp.data.dataset import Dataset, Split
from mlp.data.task import Task
from mlp.models.metadata import Metadata
from mlp.models.predict import predict
from mlp.nn.layers import Linear
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.training.evaluation import Evaluation
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer


def steady(
    recipe: Recipe,
    working_set: int | None = None,
    hidden: tuple[int, ...] = (9, 7),
    free: int | None = None,
) -> tuple[CountingBackend, Trainer]:
    """Count what the third epoch costs, which is not the last."""
    device, recipe = CountingBackend(working_set, free), replace(recipe, epochs=4)
    trainer = Trainer(toy_model(*hidden, backend=device), DATA.train, recipe)
    for number in range(2):
        trainer.epoch(number)
    device.reset()
    trainer.epoch(2)
    return device, trainer


@pytest.mark.parametrize("case", RECIPES)
def test_a_steady_epoch_allocates_nothing_and_waits_once(case: str) -> None:
    """The order of the next one goes to the device, the losses come back: that is all."""
    recipe, working_set = RECIPES[case]
    device, _ = steady(recipe, working_set)
    others = {what: n for what, n in device.counts.items() if what[0] != "launch"}
    shuffled = recipe.batch_size != "full"
    assert others == {
        **({("to device", "asarray"): 1} if shuffled else {}),
        ("to host", "get"): 1,
        ("synchronisation", "get"): 1,
    }


@pytest.mark.parametrize("at_once", [4096, 3])
def test_the_lrs_of_many_epochs_are_brought_together(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And give what those of one epoch at a time gave: a new peak brings them anew."""
    results = []
    for number in (at_once, 1):
        monkeypatch.setattr("mlp.training.tables.LRS_AT_ONCE", number)
        device = CountingBackend()
        recipe = Recipe(batch_size="full", epochs=4, lr=0.2, schedule="cosine")
        trainer = Trainer(toy_model(backend=device), DATA.train, recipe)
        device.reset()
        for epoch in range(4):
            if epoch == 3:
                trainer.lr_factor = 0.5
            trainer.epoch(epoch)
        brought = device.counts["to device", "asarray"]
        results.append(device.to_numpy(trainer.model.parameters))
        assert brought == (4 if number == 1 else 2)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(
    ("batch_size", "brought"),
    [(8, 2 * 3), ("full", 1)],  # images and their places for each span of three; images in order
)
def test_images_on_the_host_are_not_waited_for(batch_size: Any, brought: int) -> None:
    device, _ = steady(Recipe(batch_size=batch_size, **FAST), free=0)
    others = {what: n for what, n in device.counts.items() if what[0] != "launch"}
    assert others == {
        ("to device", "asarray"): brought,
        ("to host", "get"): 1,
        ("synchronisation", "get"): 1,
    }


@pytest.mark.parametrize("questions", [None, 1, 4])
@pytest.mark.parametrize("working_set", [None, FEW_IMAGES])
def test_an_accuracy_is_one_number_read(working_set: int | None, questions: int | None) -> None:
    """The outputs stay on the device, whatever they answer."""
    device, data = (
        CountingBackend(working_set),
        DATA if questions is None else questions_of(questions),
    )
    model = MLP([16, 9, data.classes], backend=device)
    model.metadata = Metadata(task=data.task)
    evaluation = Evaluation([model], data.test, data.train)
    device.reset()
    accuracy = evaluation.validation_accuracy()
    crossings = {what: n for what, n in device.counts.items() if what[0].startswith("to ")}
    assert crossings == {("to host", "get"): 1}
    right = (predict(model, data.train.images) == data.train.labels).reshape(60, -1).all(axis=1)
    assert accuracy == right.mean()


def questions_of(count: int) -> Dataset:
    """Yes-or-no questions, each image's answers drawn."""
    answers = np.random.default_rng(0).integers(0, 2, (60, count), dtype=np.uint8)
    split = Split(DATA.train.images, answers)
    task = Task("multilabel" if count > 1 else "binary", tuple("abcd"[:count]))
    return Dataset("asked", "tests", count, split, split, task)


A_LAYER = 7
"""Launches: product, bias and activation forward; activation, dW, db and dx backward."""


FIXED = 7
"""Launches whatever the depth: batch, targets, loss, its gradient, update, rate; 4 to spare."""


OF_A_LOSS = 15
"""Further ones of a loss that CUDA has no kernel for."""


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", [(9,), (9, 7), (8, 8, 8, 8, 8)])
def test_a_step_is_at_most_so_many_launches(loss: str, hidden: tuple[int, ...]) -> None:
    device, trainer = steady(Recipe(loss=loss, batch_size=8, **FAST), hidden=hidden)
    fixed = FIXED + (OF_A_LOSS if loss != "cross_entropy" else 0)
    assert device.count("launch") <= trainer.steps * (fixed + A_LAYER * (len(hidden) + 1))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch_size", [8, "full"])
def test_counting_correct_answers_takes_one_launch(loss: str, batch_size: Any) -> None:
    plain, trainer = steady(Recipe(loss=loss, batch_size=batch_size, **FAST))
    recipe = Recipe(loss=loss, batch_size=batch_size, train_accuracy="running", **FAST)
    counting, _ = steady(recipe)
    reset = 1  # an epoch
    assert counting.count("launch") == plain.count("launch") + trainer.steps + reset


def test_a_larger_batch_is_no_more_launches() -> None:
    small, large = (steady(Recipe(batch_size=size, **FAST))[0] for size in (6, 30))
    assert small.count("launch") / 10 >= large.count("launch") / 2 - 5


def test_every_piece_is_as_cheap_as_a_step() -> None:
    device, trainer = steady(*RECIPES["micro-batches"])
    micro_batches = len(list(trainer.batches.micro_batches(0, 60)))
    assert micro_batches > 5
    assert device.count("launch") <= micro_batches * (FIXED + A_LAYER * 3)


def costing(layer: type, method: str, planted: Callable[[Any], Any]) -> Callable[..., Any]:
    """A layer's method with something planted that is done to its result."""
    original = getattr(layer, method)

    def costly(self: Any, x: Any) -> Any:
        y = original(self, x)
        planted(y)
        return y

    return costly


@pytest.mark.parametrize(
    ("kind", "planted"),
    [
        ("allocation", lambda y: y.device.xp.exp(y)),
        ("allocation", lambda y: y * 2.0),
        ("allocation", lambda y: y.copy()),
        ("allocation", lambda y: y.T.reshape(-1)),
        ("allocation", lambda y: y.device.xp.empty(y.shape)),
        ("synchronisation", lambda y: float(y[0, 0])),
        ("synchronisation", lambda y: y[0, 0] and None),
        ("synchronisation", lambda y: y[y > 0.0]),
        ("synchronisation", lambda y: y[0].tolist()),
        ("synchronisation", lambda y: y.device.synchronize()),
        ("to host", lambda y: y.device.to_numpy(y)),
        ("to device", lambda y: y.device.asarray(np.zeros(3))),
    ],
)
def test_a_planted_cost_is_counted(
    kind: str, planted: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, _ = steady(RECIPES["batches"][0])
    monkeypatch.setattr(Linear, "forward", costing(Linear, "forward", planted))
    costly, trainer = steady(RECIPES["batches"][0])
    assert costly.count(kind) >= plain.count(kind) + 3 * trainer.steps  # one a layer a step


def test_a_chain_without_fuse_costs_its_launches(monkeypatch: pytest.MonkeyPatch) -> None:
    fused, trainer = steady(RECIPES["batches"][0])
    monkeypatch.setattr(CountingBackend, "fuse", lambda self, f: lambda *a: f(self.xp, *a))
    plain, _ = steady(RECIPES["batches"][0])
    assert plain.count("launch") > fused.count("launch") + 3 * trainer.steps
