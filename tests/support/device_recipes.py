"""Recipes of every kind, which runs on a device that counts are held to."""

from __future__ import annotations

from typing import Any

from toys import toy_dataset

from mlp.nn.losses import LOSSES
from mlp.training.recipe import Recipe

DATA = toy_dataset()  # 60 images

FAST: dict[str, Any] = {"epochs": 3, "lr": 0.1, "warmup": 0.0}

FEW_IMAGES = 3000
"""Bytes, for a few images a micro-batch."""


RECIPES: dict[str, tuple[Recipe, int | None]] = {
    "batches": (Recipe(batch_size=8, **FAST), None),
    "full": (Recipe(batch_size="full", **FAST), None),
    "micro-batches": (Recipe(batch_size="full", **FAST), FEW_IMAGES),
    "shuffled micro-batches": (Recipe(batch_size=47, **FAST), FEW_IMAGES),
    "plain": (Recipe(batch_size=8, momentum=0.0, **FAST), None),
    "all of sgd": (
        Recipe(
            batch_size=8, nesterov=True, weight_decay=0.01, clip_norm=0.5, clip_value=0.2, **FAST
        ),
        None,
    ),
    **{
        name: (Recipe(batch_size=size, optimizer=name, weight_decay=0.01, **FAST), None)
        for name, size in (
            ("adam", 8), ("adamw", "full"), ("rmsprop", 8), ("adagrad", 8), ("lion", 8),
        )
    },
    "deformed": (Recipe(batch_size=25, augment="affine,elastic(2),thickness", **FAST), None),
    "deformed micro-batches": (Recipe(batch_size="full", augment="elastic(2)", **FAST), FEW_IMAGES),
    "dropout": (
        Recipe(batch_size=8, dropout=0.5, input_dropout=0.2, max_norm=0.5, **FAST), None,
    ),
    "dropout in micro-batches": (Recipe(batch_size=47, dropout=0.5, **FAST), FEW_IMAGES),
    "running": (
        Recipe(batch_size=8, train_accuracy="running", loss_on="first_batch", **FAST), None,
    ),
    "running in micro-batches": (
        Recipe(batch_size="full", train_accuracy="running", **FAST), FEW_IMAGES,
    ),
} | {f"{loss}": (Recipe(loss=loss, batch_size=25, **FAST), None) for loss in LOSSES}  # fmt: skip
