"""What run folders tell of their runs: the figures of one, and how two differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlp.common.errors import UsageError
from mlp.data.task import Kind
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.lock import is_locked
from mlp.training.runs.settings import Settings, read_settings
from mlp.training.runs.writers import read_history


@dataclass(frozen=True)
class Summary:
    """A run as its folder tells of it.

    Attributes:
        folder: the folder.
        settings: what it was asked for; None where that cannot be read.
        history: the figures of each measured epoch.
        state: ``"running"``; ``"finished"`` with its last epoch; ``"stopped"`` before that; or
            ``"damaged"`` where the settings cannot be read.
        problem: the sentence that says why it is damaged.
    """

    folder: RunFolder
    settings: Settings | None
    history: list[Mapping[str, Any]]
    state: str
    problem: str | None = None

    @property
    def kind(self) -> Kind:
        """The task's; that of digits where the settings cannot be read."""
        return self.settings.data.task if self.settings else "multiclass"

    @property
    def last(self) -> Mapping[str, Any]:
        """The figures of the last measured epoch; empty where there was none."""
        return self.history[-1] if self.history else {}

    @property
    def seconds(self) -> float:
        """The seconds of training of all measured epochs."""
        return sum(figures.get("seconds") or 0.0 for figures in self.history)

    def to_json(self) -> dict[str, Any]:
        """Return its figures as `json.dumps` takes them."""
        epochs = self.settings.training.epochs if self.settings else None
        model = self.folder.model
        return {
            "run": str(self.folder),
            "state": self.state,
            "epoch": self.last.get("epoch", 0),
            "epochs": epochs,
            **{
                name: self.last.get(name)
                for name in ("loss", "train_accuracy", "validation_accuracy", "test_accuracy")
            },
            "train_seconds": self.seconds,
            "model": str(model) if model.exists() else None,
        }


def summarise(folder: RunFolder) -> Summary:
    """Read what a folder tells of its run."""
    history = read_history(folder.history)
    try:
        settings = read_settings(folder.settings)
    except UsageError as error:
        return Summary(folder, None, history, "damaged", str(error))
    if is_locked(folder.path):
        state = "running"
    else:
        done = history[-1]["epoch"] if history else 0
        is_whole = done >= settings.training.epochs and folder.model.exists()
        state = "finished" if is_whole else "stopped"
    return Summary(folder, settings, history, state)


def find_runs(places: list[Path]) -> list[RunFolder]:
    """List the runs among folders: each that is one, and those that lie directly in the others.

    Raises:
        UsageError: if a place is no folder.
    """
    found = []
    for place in places:
        if not place.is_dir():
            raise UsageError(f"there is no folder {place}: name one with runs in it")
        here = RunFolder(place)
        if here.settings.is_file():
            found.append(here)
        else:
            inside = map(RunFolder, sorted(path for path in place.iterdir() if path.is_dir()))
            found += [folder for folder in inside if folder.settings.is_file()]
    return found
