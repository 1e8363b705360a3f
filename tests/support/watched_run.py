"""A short run that was watched: the folder in which it told how it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from toys import DATA, toy_model

from mlp.data.dataset import Dataset
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.runs.watch_files import RunControl, WatchFiles
from mlp.training.runs.watched import Watched


def watched_run(folder: Path, model: MLP | None = None, data: Dataset = DATA, **recipe: Any) -> MLP:
    """Train two epochs into a folder, watched, and return the network."""
    WatchFiles(folder).ask(RunControl())
    model = toy_model() if model is None else model
    chosen = Recipe(**{"epochs": 2, "batch_size": 4, "lr": 0.1, **recipe})
    train(model, data, chosen, callbacks=[Watched(WatchFiles(folder))])
    return model
