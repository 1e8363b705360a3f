"""What nobody chose suits the data; what somebody chose stays."""

from __future__ import annotations

import numpy as np
import pytest

import mlp
from mlp.training.recipe import Recipe
from mlp.training.suit import suit, usual_recipe


def data(N, columns=False, numbers=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 5)) if columns else rng.integers(0, 256, (N, 4, 4)).astype(np.uint8)
    y = rng.normal(size=N) if numbers else np.arange(N) % 3
    return mlp.load_dataset(((X, y), (X[:9], y[:9])))


@pytest.mark.parametrize(("rows", "epochs"), [(30, 200), (3_000, 100), (60_000, 5), (90_000, 5)])
def test_few_rows_are_read_more_often(rows, epochs):
    assert suit(Recipe(), data(rows)).epochs == epochs


def test_columns_and_numbers_get_a_smaller_rate():
    rates = [
        suit(Recipe(), data(60)).lr,
        suit(Recipe(), data(60, columns=True)).lr,
        suit(Recipe(loss="quadratic"), data(60, columns=True, numbers=True)).lr,
    ]
    assert rates == [0.15, 0.05, 0.01]


@pytest.mark.parametrize(("rows", "epochs"), [(30, 200), (350, 92), (8_000, 200), (200_000, 10)])
def test_numbers_are_read_less_often_where_they_are_few(rows, epochs):
    recipe = suit(Recipe(loss="quadratic"), data(rows, columns=True, numbers=True))
    assert recipe.epochs == epochs


def test_the_gradient_of_numbers_is_held():
    numbers = data(60, columns=True, numbers=True)
    assert suit(Recipe(loss="quadratic"), numbers).clip_norm == 1.0
    assert suit(Recipe(loss="quadratic", clip_norm=3.0), numbers).clip_norm == 3.0
    assert suit(Recipe(loss="quadratic", lr=0.01), numbers).clip_norm is None
    assert suit(Recipe(), data(60, columns=True)).clip_norm is None


def test_what_was_chosen_stays():
    chosen = Recipe(epochs=5, lr=0.15)
    assert suit(chosen, data(60, columns=True)) == chosen
    assert suit(Recipe(optimizer="adam"), data(60, columns=True)).lr == Recipe(optimizer="adam").lr


def test_the_usual_recipe_has_the_loss_of_its_task():
    assert usual_recipe(data(60)).loss == "cross_entropy"
    assert usual_recipe(data(60, columns=True, numbers=True)).loss == "quadratic"
