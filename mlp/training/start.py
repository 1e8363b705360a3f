"""Going on from a trained network: fine-tuning it, also for other classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from mlp.common.errors import ModelError
from mlp.data.arrange import arrange_dataset
from mlp.data.dataset import Dataset
from mlp.data.inputs import Columns
from mlp.models.metadata import Metadata, inputs_of, task_of
from mlp.nn.network import MLP
from mlp.training.architecture import Architecture, output_for


def needs_new_layer(model: MLP, dataset: Dataset) -> bool:
    """Tell whether a trained network answers something else than a dataset asks."""
    return model.sizes[-1] != dataset.classes or task_of(model) != dataset.task


def as_read_by(model: MLP, dataset: Dataset, note: Callable[[str], object]) -> Dataset:
    """Bring the columns of a dataset into the order in which a trained network reads them.

    Args:
        model: the network; one that was never trained reads them as they are.
        dataset: what it is to be trained on.
        note: see `mlp.data.arrange.arrange_dataset`.

    Raises:
        DataError: if a column is missing that it reads.
    """
    known = inputs_of(model)
    return arrange_dataset(dataset, known, note) if isinstance(known, Columns) else dataset


def architecture_from(model: MLP, base: Architecture, dataset: Dataset, loss: str) -> Architecture:
    """Return the architecture of a network that starts from a trained one.

    Args:
        model: the trained network.
        base: how a new last layer starts; its other choices are replaced by the network's.
        dataset: what it is to be trained on.
        loss: what it is to be trained with; decides the output's activation where the last layer is
            new.
    """
    is_new = needs_new_layer(model, dataset)
    return dataclasses.replace(
        base,
        hidden=tuple(model.sizes[1:-1]),
        activation=model.activation,
        output=output_for(loss, dataset.task.kind) if is_new else model.output,
        bias=model.bias,
        dtype=model.dtype,
    )


def start_from(
    model: MLP, architecture: Architecture, dataset: Dataset, loss: str, seed: int
) -> MLP:
    """Make a network for a dataset with the parameters of a trained one.

    Where the dataset asks for other classes, the last layer is new, with its initial weights.

    Args:
        model: the trained network.
        architecture: see `architecture_from`.
        dataset: what the new one is to be trained on.
        loss: what it is to be trained with.
        seed: of a new last layer.

    Raises:
        ModelError: if the images have another size than the trained network's.
    """
    if model.sizes[0] != dataset.pixels:
        raise ModelError(
            f"the model to start from reads images of {model.sizes[0]:,} pixels, and those of "
            f"{dataset.name} have {dataset.pixels:,}: start from another"
        )
    network = architecture.build(
        dataset.pixels, dataset.classes, loss, seed, model.backend, dataset.task.kind
    )
    kept = len(model.linear) - needs_new_layer(model, dataset)
    named = network.named_parameters()
    for name, values in model.named_parameters().items():
        if int(name.split(".")[1]) < kept:
            named[name][...] = values
    return without_initialiser(network, dataset)


def without_initialiser(network: MLP, dataset: Dataset) -> MLP:
    """Let a network that starts from another tell of no initialiser, which drew no weights."""
    network.metadata = Metadata(task=dataset.task)
    return network
