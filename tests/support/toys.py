"""Small random data and networks, so that tests of training need no files and no time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backends.cpu
from mlp.data.dataset import Dataset, Split
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe

CLASSES = 5
TRUE_LOSSES = [name for name in LOSSES if name != "logit_error"]
"""The losses whose gradient is theirs; the other is a published defect, kept to reproduce it."""


def toy_dataset(train: int = 60, test: int = 20, side: int = 4, seed: int = 0) -> Dataset:
    """Noisy copies of one random image a class: learnable, but not at once."""
    rng = np.random.default_rng(seed)
    prototypes = rng.integers(0, 256, (CLASSES, side, side))

    def split(count: int) -> Split:
        labels = rng.integers(0, CLASSES, count).astype(np.uint8)
        noise = rng.normal(0, 60, (count, side, side))
        images = np.clip(prototypes[labels] + noise, 0, 255).astype(np.uint8)
        return Split(images, labels)

    return Dataset("toy", "tests", CLASSES, split(train), split(test))


def toy_model(*hidden: int, inputs: int = 16, **options: Any) -> MLP:
    """A network for `toy_dataset`, with two hidden layers unless told."""
    return MLP([inputs, *(hidden or (9, 7)), CLASSES], **options)


DATA = toy_dataset()  # 60 images
FAST: dict[str, Any] = {"epochs": 4, "lr": 0.2, "warmup": 0.0}


def trained(recipe: Recipe, data: Dataset = DATA, **options: Any) -> np.ndarray:
    """The parameters after a run."""
    model = toy_model(**options)
    train(model, data, recipe)
    parameters: np.ndarray = model.parameters
    return parameters


def small_micro_batches(monkeypatch: pytest.MonkeyPatch, size: int = 3000) -> None:
    """Let a micro-batch hold a few images only."""
    monkeypatch.setattr(backends.cpu, "WORKING_SET_BYTES", size)


def share_out(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """Let each update be shared among so many workers, however small it is and long it takes."""
    monkeypatch.setattr("mlp.training.parallel.pace.SECONDS", float("inf"))
    monkeypatch.setattr(backends.cpu, "usable_cores", lambda: workers)
    monkeypatch.setattr("mlp.training.executors.large_batches.WORTH_SHARING", 0.0)
    monkeypatch.setattr("mlp.training.executors.large_batches.IMAGES_A_PART", 10)
    monkeypatch.setattr("mlp.training.parallel.tensor_parallel.MOST_SHARDS", 4)
    monkeypatch.setattr("mlp.training.parallel.tensor_parallel.WORTH_A_SHARD", 1.0)
    monkeypatch.setattr("mlp.training.parallel.tensor_parallel.COST_OF_READING", 1e-9)
