"""A short run that kept snapshots, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

from mlp.data.load import load_dataset
from mlp.models.model_file import save
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.settings import Settings
from mlp.training.runs.snapshots import Snapshots

COUNT = 12


def snapped_run(path: Path) -> RunFolder:
    """Train a network of 784-16-16-10, and return its run."""
    folder, model = RunFolder(path), MLP([784, 16, 16, 10], seed=1)

    def warn(sentence: str) -> None:
        raise AssertionError(sentence)

    with folder.begun(Settings(snapshots=COUNT), False, warn):
        dataset, recipe = load_dataset("synthetic:3000+300"), Recipe(epochs=4, batch_size=32)
        train(model, dataset, recipe, callbacks=[Snapshots(folder, COUNT, on_warning=warn)])
        save(model, folder.model)
    return folder
