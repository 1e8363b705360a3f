"""What a training came to: a network that answers all rows alike in its end has learnt nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from toys import DATA, toy_model

from mlp.common.errors import DivergedError
from mlp.data.batches import Batches
from mlp.data.dataset import Dataset, Split
from mlp.data.task import Task
from mlp.models.metadata import Metadata, metadata_of
from mlp.nn.network import MLP
from mlp.training.history import Epoch
from mlp.training.loop import train
from mlp.training.many import train_many
from mlp.training.outcome import answers_alike, lost_by
from mlp.training.recipe import Recipe

LONG = Recipe(batch_size=8, epochs=40, lr=0.05)  # 320 updates, 2,400 readings
PALE = replace(DATA, train=Split(DATA.train.images // 2, DATA.train.labels))


def dead(*hidden: int, **options: Any) -> MLP:
    """A network none of whose hidden ReLUs answers anything."""
    model = toy_model(*hidden, **options)
    for layer in model.linear[:-1]:
        layer.b[...] = -1e3
    return model


def test_a_network_that_answers_all_images_alike_has_learnt_nothing() -> None:
    model = dead()
    with pytest.raises(DivergedError, match=r"all images alike.*try --lr 0\.005") as error:
        train(model, PALE, LONG)
    assert error.value.exit_code == 3
    assert metadata_of(model).recipe is not None  # it can be saved and looked at


def test_a_network_that_learns_is_told_nothing() -> None:
    assert train(toy_model(), DATA, LONG).result is not None


@pytest.mark.parametrize("recipe", [replace(LONG, epochs=12), replace(LONG, batch_size="full")])
def test_after_few_updates_nothing_is_concluded(recipe: Recipe) -> None:
    train(dead(), DATA, recipe)


def test_inverted_images_are_named_as_the_cause() -> None:
    split = Split(255 - DATA.train.images // 4, DATA.train.labels)
    with pytest.raises(DivergedError, match=r"mostly ink: .* so invert them"):
        train(dead(), replace(DATA, train=split), LONG)


def test_networks_side_by_side_are_told_alike() -> None:
    models = [dead(9), toy_model(9)]
    first, second = train_many(models, DATA, LONG, [0, 1], at_once=2)
    assert "all images alike" in str(first.problem)
    assert second.problem is None


def test_a_run_that_stops_early_has_ended() -> None:
    recipe = replace(LONG, epochs=99, validation=0.2, patience=50)
    with pytest.raises(DivergedError):
        train(dead(), DATA, recipe)


def test_a_run_that_is_stopped_may_learn_yet() -> None:
    def stop(epoch: Epoch) -> None:
        if epoch.epoch == 38:
            raise KeyboardInterrupt

    assert train(dead(), DATA, LONG, on_epoch=stop).interrupted


@pytest.mark.parametrize("spread", [1.0, 0.05])
def test_labels_that_the_inputs_hardly_tell_are_no_fault(spread: float) -> None:
    """Answers of which a twentieth of the deviation comes from the inputs are worth something."""
    model = MLP([1, 2])
    model.parameters[...] = 0.0
    model.linear[0].W[0] = -spread, spread
    rng = np.random.default_rng(3)
    x = rng.normal(0, 1, (500, 1)).astype(np.float32)
    labels = rng.integers(0, 2, 500).astype(np.uint8)
    batches = Batches(x, labels, model)
    epoch = Epoch(500, 0.69, 0.5, 0.5, None, 0.1)
    assert lost_by(model, batches, Split(x, labels), epoch, Recipe()) is None
    model.linear[0].W[...] /= 20.0 * spread
    assert not answers_alike(model, batches)
    model.linear[0].W[...] /= 20.0
    assert "all rows alike" in str(lost_by(model, batches, Split(x, labels), epoch, Recipe()))


def test_a_rare_class_may_be_answered_never() -> None:
    """Nineteen in twenty are answered right by one answer, which is at chance and no fault."""
    model = MLP([1, 2])
    model.parameters[...] = 0.0
    model.linear[0].b[...] = 3.0, 0.0
    model.linear[0].W[0] = -0.2, 0.2
    x = np.linspace(-1, 1, 400, dtype=np.float32)[:, None]
    labels = (np.arange(400) % 20 == 0).astype(np.uint8)
    epoch = Epoch(500, 0.2, 0.95, 0.95, None, 0.1)
    batches = Batches(x, labels, model)
    assert lost_by(model, batches, Split(x, labels), epoch, Recipe()) is None


@pytest.mark.parametrize(
    ("task", "loss", "labels"),
    [
        (Task("regression", names=("a", "b"), mean=(0.0, 0.0), deviation=(1.0, 1.0)), "quadratic",
         np.random.default_rng(5).normal(0, 1, (60, 2)).astype(np.float32)),
        (Task("multilabel", names=("a", "b")), "binary_cross_entropy",
         np.random.default_rng(5).integers(0, 2, (60, 2)).astype(np.uint8)),
    ],
)  # fmt: skip
def test_numbers_and_yes_or_no_are_answered_alike_as_well(
    task: Task, loss: str, labels: np.ndarray
) -> None:
    model = MLP([16, 9, 2])
    model.metadata = Metadata(task=task)
    batches = Batches(DATA.train.images, labels, model)
    assert not answers_alike(model, batches)
    model.linear[0].b[...] = -1e3
    assert answers_alike(model, batches)
    splits = Split(DATA.train.images, labels), Split(DATA.test.images, labels[:20])
    data = Dataset("toy", "tests", 2, *splits, task)

    with pytest.raises(DivergedError):
        train(model, data, replace(LONG, loss=loss, lr=0.001))
