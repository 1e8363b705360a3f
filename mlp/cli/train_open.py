"""Opening what a training needs, its data and its network, and telling the user what they are."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from backends import Backend
from mlp.cli import console
from mlp.cli.expand import Overrides
from mlp.cli.options import open_dataset
from mlp.common.errors import UsageError
from mlp.data.dataset import Dataset
from mlp.data.describe import check_varied, spoilers
from mlp.nn.network import MLP
from mlp.training.architecture import Architecture
from mlp.training.ranks.ranks import Ranks
from mlp.training.runs.build import as_started, ask_for_task, build_network, suited
from mlp.training.runs.settings import Settings
from mlp.training.state import describe_data


def open_data(settings: Settings, suiting: bool = True) -> tuple[Settings, Dataset]:
    """Load what is trained on, with the labels that its task asks for.

    Warns of what would spoil the training, if the data is of the user's files.

    Args:
        settings: what was asked for.
        suiting: whether epochs and rate are suited to the data.

    Returns:
        The settings, with what nobody chose suited to the data; and the data.

    Raises:
        UsageError, DataError: if there is no such data, its rows are all alike, its labels are
            those of another task, or it lacks a column that the model to start from reads.
        ModelError: if there is no such model.
    """
    data = settings.data
    folder = None if data.folder is None else Path(data.folder)
    images = open_dataset(data.dataset, folder, reading=settings.reading, kind=data.task)
    if any(part and Path(part).exists() for part in images.origin.split(",")):  # not drawn here
        check_varied(images)
        for sentence in spoilers(images):
            console.warn(f"{images.name}: {sentence}")
    images = as_started(settings, ask_for_task(data, images), console.note)
    return suited(settings, images, console.note) if suiting else settings, images


def share_data(settings: Settings, ranks: Ranks) -> tuple[Settings, Dataset]:
    """Load what ranks train on, once on each machine; see `open_data`.

    A rank that was asked for other data has that, and is refused later.
    """

    def load() -> Dataset:
        _, images = open_data(settings, suiting=False)
        if ranks.size > 1:
            describe_data(images)  # its checksums, which then go with it to the others
        return images

    images = ranks.share(load, of=(settings.data, settings.reading, settings.start))
    return suited(settings, images, console.note), images


def check_start(settings: Settings, network: Overrides[Architecture]) -> None:
    """Refuse options of the network where a model to start from has it.

    Raises:
        UsageError: naming the first of them.
    """
    if settings.start is None:
        return
    for name in (field.name for field in fields(Architecture)):
        if name in network and name not in ("init", "bias_init"):
            flag = name.replace("_", "-")
            raise UsageError(
                f"--start takes the network of the model as it is: leave --{flag} away"
            )


def open_network(
    settings: Settings,
    network: Overrides[Architecture],
    images: Dataset,
    backend: Backend,
    resumed: bool = False,
) -> tuple[Settings, MLP]:
    """Build the network; see `mlp.training.runs.build.build_network`.

    Raises:
        UsageError: if another network is asked for than that of the model to start from.
    """
    if not resumed:
        check_start(settings, network)
    settings, model = build_network(settings, images, backend, resumed=resumed, note=console.note)
    console.note(f"network: {model}, {model.parameters.size:,} parameters")
    return settings, model
