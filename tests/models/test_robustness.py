"""A network is measured on disturbed images, as if these were the test images."""

from __future__ import annotations

import numpy as np
import pytest
from toys import DATA, FAST, toy_model

from mlp.common.rng import generator
from mlp.data.disturb import DISTURBANCES
from mlp.data.load import relabel_for
from mlp.data.task import Task
from mlp.models import robustness as module
from mlp.models.metadata import Metadata
from mlp.models.predict import predict, vote
from mlp.models.robustness import holds, robustness
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe

IMAGES, LABELS = DATA.test.images, DATA.test.labels


@pytest.fixture(scope="module")
def model() -> MLP:
    model = toy_model()
    train(model, DATA, Recipe(batch_size=4, **FAST))
    return model


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_each_amount_has_its_accuracy(
    model: MLP, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    disturbance = DISTURBANCES[kind]
    curve = robustness(model, IMAGES, LABELS, kind)
    assert list(curve) == list(disturbance.amounts)
    assert curve[0.0] == (predict(model, IMAGES) == LABELS).mean()
    for amount, accuracy in curve.items():
        disturbed = disturbance.apply(IMAGES, amount, generator(0, "disturb"))
        assert accuracy == (vote([model], disturbed).argmax(axis=1) == LABELS).mean()
    monkeypatch.setattr(module, "AT_ONCE", 7)
    assert robustness(model, IMAGES, LABELS, kind) == curve


def test_all_questions_have_to_be_answered() -> None:
    task = Task("multilabel", tuple("abcde"))
    model, asked = MLP([16, 5], seed=3), relabel_for(task, DATA)
    model.metadata = Metadata(task=task)
    curve = robustness(model, asked.test.images, asked.test.labels, "rotation")
    right = (predict(model, asked.test.images) == asked.test.labels).all(axis=1)
    assert curve[0.0] == right.mean()


def test_it_holds_between_amounts_around_0() -> None:
    curve = {-2.0: 0.95, -1.0: 0.8, 0.0: 0.99, 1.0: 0.9, 2.0: 0.5, 3.0: 0.92}
    assert holds(curve, 0.9) == (0.0, 1.0)
    assert holds(curve, 0.5) == (-2.0, 3.0)
    assert holds(curve, 0.995) is None


def test_weights_that_overflow_are_measured() -> None:
    model = MLP([16, 9, 5], init="zeros")
    for layer in model.linear:
        layer.W[...] = 1e30
    curve = robustness(model, IMAGES, LABELS, "noise")
    assert all(np.isfinite(value) for value in curve.values())
