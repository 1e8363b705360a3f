"""The trainer: one seed, one result; each image once; float32 follows float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import CLASSES, DATA, FAST, toy_model, trained

from mlp.data.dataset import Dataset, Split
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

# One seed, one result


@pytest.mark.parametrize("batch_size", [8, "full"])
def test_the_same_seed_gives_the_same_bytes(batch_size: Any) -> None:
    recipe = Recipe(batch_size=batch_size, seed=3, **FAST)
    assert trained(recipe, seed=3).tobytes() == trained(recipe, seed=3).tobytes()


def test_other_seeds_give_other_starts_and_other_orders() -> None:
    first, second = Recipe(batch_size=8, seed=3, **FAST), Recipe(batch_size=8, seed=4, **FAST)
    assert not np.array_equal(trained(first, seed=3), trained(first, seed=4))
    assert not np.array_equal(trained(first), trained(second))


def test_without_shuffling_the_order_is_the_files() -> None:
    """Neither the seed nor a batch's place in the epoch depends on chance then."""
    recipes = [Recipe(batch_size=8, shuffle=False, seed=seed, **FAST) for seed in (3, 4)]
    np.testing.assert_array_equal(trained(recipes[0]), trained(recipes[1]))
    assert not np.array_equal(trained(recipes[0]), trained(Recipe(batch_size=8, seed=3, **FAST)))


def test_the_order_of_the_images_is_no_matter_to_a_full_batch() -> None:
    recipe = Recipe(batch_size="full", **FAST)
    order = np.random.default_rng(0).permutation(60)
    turned = Dataset(
        "t", "tests", CLASSES, Split(DATA.train.images[order], DATA.train.labels[order]), DATA.test
    )
    np.testing.assert_allclose(
        trained(recipe, turned, dtype="float64"), trained(recipe, dtype="float64"), atol=1e-12
    )


def test_an_epoch_visits_every_image_once() -> None:
    """The images are marked by one lit pixel each, whose weights alone then move."""
    images = np.zeros((30, 6, 5), np.uint8)
    images.reshape(30, 30)[np.arange(30), np.arange(30)] = 255
    split = Split(images, (np.arange(30) % CLASSES).astype(np.uint8))
    data = Dataset("lit", "tests", CLASSES, split, split)
    model = MLP([30, CLASSES], init="zeros", bias=False, dtype="float64")
    train(
        model,
        data,
        Recipe(batch_size=4, epochs=1, lr=1.0, momentum=0, schedule="constant", warmup=0),
    )
    # A visit moves the row of image n by (1/N) (t - 1/5), with N = 4, and 2 in the tail batch.
    moved = 1.0 * (np.eye(CLASSES)[split.labels] - 1 / CLASSES)
    sizes = moved[:, :1] / model.linear[0].W[:, :1]
    np.testing.assert_allclose(model.linear[0].W * sizes, moved, atol=1e-15)
    assert sorted(np.round(sizes.ravel(), 12)) == [2.0] * 2 + [4.0] * 28


# Precision


@pytest.mark.parametrize("batch_size", [8, "full"])
def test_float32_follows_float64(batch_size: Any) -> None:
    """After 32 and 4 steps the difference is some hundred roundings of 6e-8."""
    recipe = Recipe(batch_size=batch_size, **FAST)
    single, double = trained(recipe), trained(recipe, dtype="float64")
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=0, atol=2e-5)
    assert not np.array_equal(single, double)


def test_an_epoch_takes_rates_in_place_of_the_recipes() -> None:
    recipe = Recipe(batch_size=10, schedule="constant", warmup=0.0, lr=0.2)
    parameters = []
    for lrs in (None, [0.2] * 6, [0.0] * 6):
        model = toy_model()
        Trainer(model, DATA.train, recipe).epoch(0, lrs=lrs)
        parameters.append(model.parameters)
    np.testing.assert_array_equal(parameters[0], parameters[1])
    np.testing.assert_array_equal(parameters[2], toy_model().parameters)
