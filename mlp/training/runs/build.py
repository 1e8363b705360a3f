"""From what a training was asked for to its labels, its recipe and its network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from backends import Backend
from mlp.common.errors import UsageError
from mlp.common.quiet import quiet
from mlp.data.dataset import Dataset
from mlp.data.inputs import Columns
from mlp.data.load import as_binary, overlay
from mlp.models.formats.convert import read_model
from mlp.nn.network import MLP
from mlp.training.runs.settings import DataSettings, Settings
from mlp.training.start import (
    architecture_from,
    as_read_by,
    needs_new_layer,
    start_from,
    without_initialiser,
)
from mlp.training.suit import suit

Note = Callable[[str], object]
"""Called with a sentence for the user."""


def ask_for_task(data: DataSettings, images: Dataset) -> Dataset:
    """Change the labels, and for several labels the images, to what the task asks.

    Raises:
        UsageError: if the labels are those of another task.
    """
    found = images.task.kind
    if (found != data.task and found != "multiclass") or data.task == "regression" != found:
        raise UsageError(
            f"the labels of {images.name} are a {found} task, and not a {data.task} one: train "
            f"with --task {found}"
        )
    if data.positive:
        return as_binary(images, data.positive)
    return overlay(images) if data.task == "multilabel" and found == "multiclass" else images


def as_started(settings: Settings, images: Dataset, note: Note = quiet) -> Dataset:
    """Bring columns into the order of the model to start from, and tell what is not plain.

    A run that is resumed may have lost that model; its state refuses columns in another order.

    Raises:
        ModelError, DataError: if the model is damaged, or the data lacks a column that it reads.
    """
    start = settings.start
    if start is None or not isinstance(images.inputs, Columns) or not Path(start).exists():
        return images
    return as_read_by(read_model(start), images, note)


def suited(settings: Settings, images: Dataset, note: Note = quiet) -> Settings:
    """Let what nobody chose suit the data; tell it where it is not the default."""
    recipe = suit(settings.training, images)
    if recipe != settings.training:
        clipped = recipe.clip_norm != settings.training.clip_norm
        held = f" and gradients of at most {recipe.clip_norm:g}" if clipped else ""
        note(
            f"{recipe.epochs} epochs at a learning rate of {recipe.lr:g}{held}, to suit "
            f"{len(images.train):,} rows (--epochs, --lr{', --clip-norm' if clipped else ''})"
        )
    return replace(settings, training=recipe)


def build_network(
    settings: Settings,
    images: Dataset,
    backend: Backend,
    *,
    resumed: bool = False,
    note: Note = quiet,
) -> tuple[Settings, MLP]:
    """Build the network, from a model where one is to be started from.

    Args:
        settings: what was asked for.
        images: the data.
        backend: the device.
        resumed: whether the parameters of a saved state take the place of the model's.
        note: told where the last layer is new.

    Returns:
        The settings, with the architecture of that model; and the network.

    Raises:
        UsageError, ModelError: if there is no such network, or the model does not fit the data.
    """
    recipe, choices = settings.training, settings.network
    if settings.start is None or resumed:
        model = choices.build(
            *(images.pixels, images.classes, recipe.loss, recipe.seed, backend), images.task.kind
        )
        return settings, model if settings.start is None else without_initialiser(model, images)
    trained = read_model(settings.start, backend=backend)
    choices = architecture_from(trained, choices, images, recipe.loss)
    model = start_from(trained, choices, images, recipe.loss, recipe.seed)
    if needs_new_layer(trained, images):
        note(
            f"the last layer is new: {settings.start} answers other classes than "
            f"{images.name} asks for"
        )
    return replace(settings, network=choices), model
