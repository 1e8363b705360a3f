"""The seam is a seam: a backend that the package knows nothing of trains as the CPU does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import CLASSES, FAST, toy_dataset, toy_model

from mlp.data.dataset import Dataset
from mlp.models.predict import predict, probabilities
from mlp.nn.layers import LAYERS
from mlp.training.loop import train
from mlp.training.recipe import Recipe

torch_backend = pytest.importorskip("torch_backend", reason="PyTorch is not installed")

DATA = toy_dataset()
RECIPES: dict[str, dict[str, Any]] = {
    "small batches": {"batch_size": 8},
    "full batch": {"batch_size": "full"},
    "micro-batches": {"batch_size": "full", "train_accuracy": "running"},
    "all of sgd": {"nesterov": True, "weight_decay": 0.01, "clip_norm": 0.5, "clip_value": 0.2},
    "quadratic": {"loss": "quadratic", "validation": 10},
    "binary cross-entropy": {"loss": "binary_cross_entropy"},
    "dropout": {"dropout": 0.5, "input_dropout": 0.1, "max_norm": 0.7},
    "augmentation": {"augment": "affine,elastic(2),thickness"},
}


def trained(data: Dataset, recipe: Recipe, backend: Any = None) -> tuple[Any, list[Any]]:
    model = toy_model(dtype="float64", backend=backend)
    history = train(model, data, recipe)
    return model, [(e.loss, e.train_accuracy, e.test_accuracy) for e in history.epochs]


@pytest.mark.parametrize("options", RECIPES.values(), ids=RECIPES)
def test_a_training_is_the_cpus(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    if options.get("train_accuracy"):
        monkeypatch.setattr("backends.cpu.WORKING_SET_BYTES", 3000)
        monkeypatch.setattr(torch_backend, "WORKING_SET_BYTES", 3000)
    recipe = Recipe(**{"batch_size": 25, **FAST, **options})
    ours, expected = trained(DATA, recipe)
    theirs, measured = trained(DATA, recipe, torch_backend.TorchBackend())
    np.testing.assert_allclose(theirs.parameters.numpy(), ours.parameters, rtol=0, atol=1e-10)
    np.testing.assert_allclose(measured, expected, rtol=1e-9)
    images = DATA.test.images
    np.testing.assert_array_equal(predict(theirs, images), predict(ours, images))
    np.testing.assert_allclose(probabilities(theirs, images), probabilities(ours, images))


@pytest.mark.parametrize("activation", LAYERS)
def test_every_activation_learns_as_on_the_cpu(activation: str) -> None:
    recipe = Recipe(batch_size=8, **FAST)
    models = [
        toy_model(activation=activation, dtype="float64", backend=backend)
        for backend in (None, torch_backend.TorchBackend())
    ]
    for model in models:
        train(model, DATA, recipe)
    np.testing.assert_allclose(
        models[1].parameters.numpy(), models[0].parameters, rtol=0, atol=1e-10
    )
    assert models[0].sizes[-1] == CLASSES
