"""The vote of deformed copies, beside copies that are deformed and asked one by one."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.data.augment import Deformation, epoch_key
from mlp.data.dataset import Dataset
from mlp.data.load import load_dataset
from mlp.data.task import Task
from mlp.models.deformed_votes import SHARES, Trial, best_of, try_votes, vote_of_copies
from mlp.models.metadata import Metadata
from mlp.models.predict import probabilities
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe

WEAK = "affine(8,0.08,1),thickness(0.3)"


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("synthetic:600+70")


@pytest.fixture(scope="module")
def models(data: Dataset) -> list[MLP]:
    trained = [MLP([784, 16, 10], seed=seed) for seed in (0, 1)]
    for seed, model in enumerate(trained):
        train(model, data, Recipe(epochs=2, seed=seed))
    return trained


def test_the_vote_is_the_geometric_mean_of_what_each_copy_gets(
    data: Dataset, models: list[MLP]
) -> None:
    images = data.test.images
    deformation = Deformation(WEAK, images.shape[1:], models[0].backend, "float32")
    rows = images.reshape(len(images), -1).astype("float32") / np.float32(255)
    logs = []
    for copy in range(3):
        deformed = deformation(rows, 0, epoch_key(0, copy)).copy()
        logs.append(np.log(np.mean([probabilities(m, deformed) for m in models], axis=0)))
    likely = np.exp(np.mean(logs, axis=0))
    voted = vote_of_copies(models, images, WEAK, 3)
    np.testing.assert_allclose(voted, likely / likely.sum(axis=1, keepdims=True), rtol=1e-4)


def test_copies_that_are_hardly_deformed_say_what_the_image_says(
    data: Dataset, models: list[MLP]
) -> None:
    voted = vote_of_copies(models[:1], data.test.images, "affine(0,0,0)", 2)
    np.testing.assert_allclose(voted, probabilities(models[0], data.test.images), atol=1e-5)


def test_yes_and_no_of_a_question_are_weighed_alike(data: Dataset) -> None:
    model = MLP([784, 4, 2], output="sigmoid", seed=3)
    model.metadata = Metadata(task=Task("multilabel", ("a", "b")))
    model.parameters[:] *= 3
    yes = vote_of_copies([model], data.test.images, WEAK, 2)
    assert ((yes > 0) & (yes < 1)).all()
    model.linear[-1].W *= -1  # every yes becomes a no
    no = vote_of_copies([model], data.test.images, WEAK, 2)
    np.testing.assert_allclose(no, 1 - yes, atol=1e-6)


def test_each_share_and_number_of_copies_is_tried(data: Dataset, models: list[MLP]) -> None:
    trials = try_votes(models, data.test, WEAK, 3)
    assert [trial.copies for trial in trials] == [1, 2, 3] * len(SHARES)
    assert trials[-1].deformation == "affine(8,0.08,1,0),thickness(0.3)"
    voted = vote_of_copies(models, data.test.images, trials[4].deformation, 2)
    labels = data.test.labels
    assert trials[4].errors == (voted.argmax(axis=1) != labels).sum()
    of_right = voted[np.arange(len(labels)), labels]
    assert trials[4].cross_entropy == pytest.approx(-np.log(of_right).mean())


def test_the_best_trial_has_the_fewest_errors_then_the_least_loss() -> None:
    trials = [Trial("a", 1, 3, 0.1), Trial("b", 2, 2, 0.4), Trial("c", 4, 2, 0.3)]
    assert best_of(trials).deformation == "c"
