"""The network that ``mlp train`` trains: a new one, or a model to start from, and what suits it."""

from __future__ import annotations

from dataclasses import fields, replace

from backends import Backend
from mlp.cli import console
from mlp.cli.expand import Overrides
from mlp.common.errors import UsageError
from mlp.data.load import Dataset
from mlp.models.formats.convert import read_model
from mlp.nn.network import MLP
from mlp.training.architecture import Architecture
from mlp.training.runs.settings import Settings
from mlp.training.start import (
    architecture_from,
    needs_new_layer,
    start_from,
    without_initialiser,
)
from mlp.training.state import TrainingState
from mlp.training.suit import suit


def suited(settings: Settings, images: Dataset) -> Settings:
    """Let what nobody chose suit the data, and tell it where it is not the default."""
    recipe = suit(settings.training, images)
    if recipe != settings.training:
        console.note(
            f"{recipe.epochs} epochs at a learning rate of {recipe.lr:g}, to suit "
            f"{len(images.train):,} rows (--epochs, --lr)"
        )
    return replace(settings, training=recipe)


def network_of(
    settings: Settings,
    network: Overrides[Architecture],
    images: Dataset,
    backend: Backend,
    state: TrainingState | None,
) -> tuple[Settings, MLP]:
    """Build the network, from a model where one is to be started from.

    Returns:
        The settings, with the architecture of that model; and the network.
    """
    recipe, choices = settings.training, settings.network
    if settings.start is None or state is not None:
        model = choices.build(
            *(images.pixels, images.classes, recipe.loss, recipe.seed, backend), images.task.kind
        )
        return settings, model if settings.start is None else without_initialiser(model, images)
    for name in (field.name for field in fields(Architecture)):
        if name in network and name not in ("init", "bias_init"):
            flag = name.replace("_", "-")
            raise UsageError(
                f"--start takes the network of the model as it is: leave --{flag} away"
            )
    trained = read_model(settings.start, backend=backend)
    choices = architecture_from(trained, choices, images, recipe.loss)
    model = start_from(trained, choices, images, recipe.loss, recipe.seed)
    if needs_new_layer(trained, images):
        console.note(
            f"the last layer is new: {settings.start} answers other classes than "
            f"{images.name} asks for"
        )
    return replace(settings, network=choices), model
