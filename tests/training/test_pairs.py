"""Pairs that cannot learn are refused before training; numbers are learnt in their own units."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from toys import DATA, toy_model

from mlp.common.errors import UsageError
from mlp.data.dataset import Dataset
from mlp.data.interpret import interpret
from mlp.data.load import as_binary, overlay
from mlp.data.raw import WHOLE, RawSplit
from mlp.models.predict import predict
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe

RNG = np.random.default_rng(5)
ROWS = RNG.normal(3, 2, (200, 4))
NUMBERS = 100 * ROWS @ [1.0, -2.0, 0.5, 3.0] + 7000


def numbers() -> Dataset:
    return interpret({WHOLE: RawSplit(ROWS, NUMBERS)}, "numbers", "tests", kind="regression")


@pytest.mark.parametrize(
    ("data", "loss", "output", "sentence"),
    [
        (as_binary(DATA, [1]), "cross_entropy", "identity", "take --loss binary_cross_entropy"),
        (overlay(DATA), "cross_entropy", "identity", "take --loss binary_cross_entropy"),
        (overlay(DATA), "quadratic", "identity", "take --output sigmoid"),
        (numbers(), "cross_entropy", "identity", "take --loss quadratic"),
        (numbers(), "binary_cross_entropy", "identity", "take --loss quadratic"),
        (numbers(), "quadratic", "sigmoid", "take --output identity"),
    ],
)
def test_pairs_that_cannot_learn_are_refused(
    data: Dataset, loss: str, output: str, sentence: str
) -> None:
    model = MLP([data.pixels, 5, data.classes], output=output)
    before = model.parameters.copy()
    with pytest.raises(UsageError, match=sentence):
        train(model, data, Recipe(loss=loss))
    np.testing.assert_array_equal(model.parameters, before)


def test_columns_are_not_deformed() -> None:
    with pytest.raises(UsageError, match="augment deforms images"):
        train(MLP([4, 3, 1]), numbers(), Recipe(loss="quadratic", augment="affine"))


@pytest.mark.parametrize("batch", [16, "full"])
def test_numbers_are_learnt_and_given_in_their_own_units(batch: Any) -> None:
    data, model = numbers(), MLP([4, 16, 1], seed=1)
    recipe = Recipe(loss="quadratic", batch_size=batch, epochs=60, lr=0.03, validation=0.1)
    history = train(model, data, recipe)
    assert history.epochs[-1].test_accuracy > 0.95  # R²
    assert history.epochs[-1].validation_accuracy is not None
    answers = predict(model, ROWS)
    assert answers.shape == (200, 1)
    assert np.abs(answers[:, 0] - NUMBERS).mean() < 0.2 * NUMBERS.std()


def test_all_pairs_that_are_sound_are_taken() -> None:
    train(toy_model(), replace(DATA), Recipe(epochs=1))
    train(toy_model(output="sigmoid"), DATA, Recipe(epochs=1, loss="quadratic"))
    questions = overlay(DATA)
    train(toy_model(), questions, Recipe(epochs=1, loss="binary_cross_entropy"))
