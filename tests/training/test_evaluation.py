"""Evaluation: replicas that share the images count what one would."""

from __future__ import annotations

import pytest
from toys import DATA, FAST, toy_model

from mlp.models.predict import predict
from mlp.training.evaluation import Evaluation
from mlp.training.loop import train
from mlp.training.parallel.replica import Replica
from mlp.training.recipe import Recipe


@pytest.mark.parametrize("images", [1, 2, 60])
def test_networks_that_share_the_images_count_the_same(images: int) -> None:
    model = toy_model()
    train(model, DATA, Recipe(batch_size=8, **FAST))
    part = DATA.train[:images]
    right = int((predict(model, part.images) == part.labels).sum())
    for networks in ([model], [model, Replica(model), Replica(model)]):
        evaluation = Evaluation(networks, DATA.test, part)
        assert evaluation.validation_accuracy() == right / images
