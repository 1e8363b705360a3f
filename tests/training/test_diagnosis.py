"""Runs that go wrong as others' did: each is told in a sentence, and sound runs are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import CLASSES, DATA, FAST, toy_dataset, toy_model

from mlp.data.batches import Batches
from mlp.data.dataset import Dataset, Split
from mlp.data.task import Task
from mlp.models.metadata import Metadata
from mlp.nn.network import MLP
from mlp.training import suit
from mlp.training.diagnosis import explain_lost, is_lost, warn_after, warn_before
from mlp.training.history import Epoch
from mlp.training.loop import train
from mlp.training.presets.preset import load_preset, preset_names
from mlp.training.recipe import Recipe

CHANCE = np.bincount(DATA.train.labels).max() / len(DATA.train)


def sorted_by_class(data: Dataset) -> Split:
    order = np.argsort(data.train.labels, kind="stable")
    return Split(data.train.images[order], data.train.labels[order])


def after(
    model: MLP,
    accuracy: float = CHANCE,
    losses: tuple[float, ...] = (1.6, 1.6),
    labels: np.ndarray = DATA.train.labels,
    told: set[str] | None = None,
    **options: Any,
) -> list[str]:
    """What is said after an epoch that measured this accuracy and these losses."""
    recipe = Recipe(**FAST | options)
    epoch = Epoch(2, 1.6, accuracy, accuracy, None, 0.1)
    batches = Batches(DATA.train.images, labels, model)
    told = set() if told is None else told
    return list(warn_after(model, batches, recipe, epoch, np.array(losses), told))


def with_hidden_biases(value: float, activation: str) -> MLP:
    model = toy_model(activation=activation)
    for layer in model.linear[:-1]:
        layer.b[...] = value
    return model


# Before a run


def test_zero_weights_are_told_with_their_layers() -> None:
    sentences = list(warn_before(toy_model(init="zeros"), DATA.train, Recipe()))
    assert len(sentences) == 1
    assert "weights of layer 1, 2, 3 are zero" in sentences[0]
    assert "--init" in sentences[0]


def test_zero_weights_of_a_single_layer_learn_and_are_not_told() -> None:
    assert not list(warn_before(MLP([16, CLASSES], init="zeros"), DATA.train, Recipe()))


@pytest.mark.parametrize(
    ("options", "told"),
    [({"shuffle": False}, True), ({}, False), ({"shuffle": False, "batch_size": "full"}, False)],
)
def test_sorted_images_are_told_where_their_order_matters(
    options: dict[str, Any], told: bool
) -> None:
    images = sorted_by_class(toy_dataset(train=600))
    sentences = list(warn_before(toy_model(), images, Recipe(**options)))
    assert bool(sentences) == told
    assert all("sorted by class" in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("options", "told"),
    [({"lr": 3.0}, True), ({"lr": 3.0, "momentum": 0.0}, False), ({"lr": 0.9}, False)],
)
def test_momentum_that_multiplies_the_rate_is_told(options: dict[str, Any], told: bool) -> None:
    sentences = list(warn_before(toy_model(), DATA.train, Recipe(**options)))
    assert [("--momentum 0" in s and "works as 30" in s) for s in sentences] == [True] * told


def test_no_preset_is_told_of_its_momentum() -> None:
    for preset in preset_names():
        recipe = load_preset(preset).recipe
        told = list(warn_before(toy_model(), DATA.train, recipe))
        assert not any("--momentum" in sentence for sentence in told), preset


@pytest.mark.parametrize(("rare", "told"), [(10, True), (200, False)])
def test_a_rare_class_is_told_by_its_name(rare: int, told: bool) -> None:
    labels = np.repeat(np.array([0, 1], np.uint8), [1000, rare])
    images = np.zeros((len(labels), 4, 4), np.uint8)
    model = MLP([16, 2])
    model.metadata = Metadata(task=Task(names=("cat", "dog")))
    sentences = list(warn_before(model, Split(images, labels), Recipe()))
    assert [
        "class dog has 10 rows and cat 1,000" in s and "--class-weight balanced" in s
        for s in sentences
    ] == [True] * told
    assert not list(warn_before(model, Split(images, labels), Recipe(class_weight="balanced")))


# After an epoch


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_units_that_answer_alike_to_all_are_told(activation: str) -> None:
    sentence, *others = after(with_hidden_biases(1e3, activation))
    assert not others
    assert "alike to every image, 100% of layer 1, 100% of layer 2" in sentence
    assert after(toy_model(activation=activation)) == []


def test_dead_relus_are_told_with_their_share_of_each_layer() -> None:
    sentence, *others = after(with_hidden_biases(-1e3, "relu"))
    assert not others
    assert f"stuck at chance ({CHANCE:.1%})" in sentence
    assert "100% of layer 1, 100% of layer 2" in sentence


@pytest.mark.parametrize(("value", "activation"), [(-1e3, "relu"), (1e3, "tanh")])
def test_a_network_stuck_at_chance_is_told_once(value: float, activation: str) -> None:
    told: set[str] = set()
    model = with_hidden_biases(value, activation)
    assert [len(after(model, told=told)) for _ in range(3)] == [1, 0, 0]


def test_a_leaky_relu_is_never_dead() -> None:
    assert after(with_hidden_biases(-1e3, "leaky_relu")) == []


def test_a_saturated_softmax_is_told() -> None:
    model = toy_model()
    model.linear[-1].W[...] *= 1e4
    sentence, *others = after(model)
    assert not others
    assert "softmax is saturated" in sentence
    assert after(model, told={"saturated"}) == []


def test_a_network_that_learns_may_have_dead_relus() -> None:
    assert after(with_hidden_biases(-1e3, "relu"), accuracy=0.6) == []


def test_chance_is_what_the_commonest_answer_gives() -> None:
    """Nine in ten is little where one answer gives as many, and 95 in 100 is more than that."""
    model = MLP([16, 9, 1])
    model.linear[0].b[...] = -1e3
    rare = (np.arange(len(DATA.train)) % 10 == 0).astype(np.uint8)[:, None]  # (N, 1)
    options: dict[str, Any] = {"labels": rare, "loss": "binary_cross_entropy"}
    assert "dead" in after(model, accuracy=0.9, **options)[0]
    assert after(model, accuracy=0.95, **options) == []


def test_a_rising_loss_is_told_with_a_smaller_rate() -> None:
    (sentence,) = after(toy_model(), accuracy=0.9, losses=(0.5, 1.5, 3.0))
    assert "rose from 0.5 to 3 in epoch 2" in sentence
    assert "--lr 0.02" in sentence


def test_a_rising_loss_is_told_once() -> None:
    told: set[str] = set()
    found = [after(toy_model(), 0.9, losses=(0.5, 1.5, 3.0), told=told) for _ in range(3)]
    assert list(map(len, found)) == [1, 0, 0]


@pytest.mark.parametrize("columns", [False, True])
def test_a_rate_that_nobody_chose_is_not_blamed(columns: bool) -> None:
    lr = round(Recipe().lr * (suit.COLUMNS if columns else 1), 4)
    (sentence,) = after(toy_model(), 0.9, losses=(0.5, 1.5, 3.0), lr=lr)
    assert "too high" not in sentence
    assert f"should it go on, try --lr {lr / 10:g}" in sentence


def test_a_sound_run_is_told_nothing() -> None:
    told: list[str] = []
    train(toy_model(), DATA, Recipe(batch_size=8, **FAST), on_warning=told.append)
    assert told == []


def test_a_run_tells_what_is_wrong_once_before_it_or_after_an_epoch() -> None:
    data = toy_dataset(train=600, test=200)
    data = Dataset("sorted", "tests", CLASSES, sorted_by_class(data), data.test)
    told: list[str] = []
    recipe = Recipe(batch_size=2, epochs=2, lr=1e-6, warmup=0.0, shuffle=False)
    train(with_hidden_biases(-1e3, "relu"), data, recipe, on_warning=told.append)
    assert ["sorted" in sentence for sentence in told] == [True, False]
    assert ["dead" in sentence for sentence in told] == [False, True]


@pytest.mark.parametrize(
    ("lr", "accuracy", "lost"), [(100, 0.2, True), (0.1, 0.2, False), (100, 0.9, False)]
)
def test_a_network_at_chance_after_absurd_steps_is_lost(
    lr: float, accuracy: float, lost: bool
) -> None:
    recipe, epoch = Recipe(lr=lr), Epoch(1, 2.3, accuracy, accuracy, None, 0.1)
    assert is_lost(epoch, 0.2, recipe) is lost
    if lost:
        assert "is far too high: try --lr 0.15" in explain_lost(epoch, recipe)
        adaptive = Recipe(lr=lr, optimizer="adam")
        assert "is far too high: try --lr 0.001" in explain_lost(epoch, adaptive)


def test_all_correct_is_no_sign_of_a_rate_too_high() -> None:
    warnings: list[str] = []
    recipe = Recipe(epochs=80, lr=0.1, batch_size=16)
    history = train(toy_model(), DATA, recipe, on_warning=warnings.append)
    assert history.epochs[-1].train_accuracy == 1.0
    assert not [warning for warning in warnings[-20:] if "epoch 80" in warning]


@pytest.mark.parametrize(("accuracy", "told"), [(0.8, False), (0.05, True), (0.95, True)])
def test_rows_with_weights_may_be_answered_worse_than_by_one_answer(
    accuracy: float, told: bool
) -> None:
    """Where the rare class is to be found, fewer answers are right; as many as it has, by luck."""
    model = with_hidden_biases(-1e3, "relu")
    labels = (np.arange(60) % 20 == 0).astype(np.uint8)
    weights = np.where(labels, 10.0, 0.5)
    batches = Batches(DATA.train.images, labels, model, weights=weights)
    epoch = Epoch(2, 1.6, accuracy, accuracy, None, 0.1)
    found = list(warn_after(model, batches, Recipe(**FAST), epoch, np.array([1.6, 1.6]), set()))
    assert bool(found) == told
