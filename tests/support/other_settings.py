"""Settings of a training that differ from the defaults in everything, to walk over all choices."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from mlp.data.reading import Reading
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import DataSettings, DeviceSettings, Settings

OTHER = Settings(
    network=Architecture(
        hidden=(), activation="leaky_relu(0.1)", output="sigmoid", bias=False, init="zeros",
        bias_init="ones", dtype="float64",
    ),
    training=Recipe(
        loss="quadratic", batch_size="full", epochs=7, lr=1e-5, momentum=0.5, nesterov=True,
        schedule="step(1, 0.5)", warmup=0.25, weight_decay=1e-300, clip_value=1.5, clip_norm=2.5,
        augment="affine(10, 0.1, 1),elastic", dropout=0.25, input_dropout=0.1, max_norm=2.0,
        shuffle=False, validation=10, keep="best", monitor="loss", patience=3, min_delta=0.125,
        freeze="1", average="swa(2)", seed=2**40, train_accuracy="running", report_every=2,
    ),
    data=DataSettings(
        dataset='a "quoted"\\path\n\x7f, λ', folder="/data", task="binary", positive=(0, 9)
    ),
    reading=Reading(classes=26, test=0.5, missing="mean", handwriting=True),
    device=DeviceSettings(device="cuda:1", precision="tf32", graph=False),
    start="/models/m.safetensors",
    snapshots=5,
)  # fmt: skip

REST = Settings(
    network=Architecture(hidden=(36, 20)),
    training=Recipe(
        optimizer="adamw(0.8)", label_smoothing=0.1, class_weight="3=2,7=0.5", batch_size=7
    ),
    reading=Reading(label="kind", drop="id,name", test_file="/data/test.csv", size=32),
)
"""What does not go with the others: momentum is SGD's, and squared errors have no labels to smooth.

The values that are None there are given here, but for the preset, which brings others.
"""

WITHOUT_ANOTHER = {"training.loss_on", "preset"}
"""Choices that neither has: of the first there is but one."""


def choices(settings: object, inside: str = "") -> Iterator[tuple[str, object]]:
    """Yield the name and the value of every choice of some settings: ``training.lr``, 0.15."""
    assert dataclasses.is_dataclass(settings)
    for entry in dataclasses.fields(settings):
        value = getattr(settings, entry.name)
        if dataclasses.is_dataclass(value):
            yield from choices(value, f"{inside}{entry.name}.")
        else:
            yield f"{inside}{entry.name}", value
