"""The registry of views, and what they share: options, the canvas, a model's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.text import Text

from mlp.cli.model_data import open_data_of
from mlp.cli.options import DataFolder, Device, OwnDatasetName, open_device
from mlp.cli.save_option import Force, Save, check_picture, write_picture
from mlp.common.errors import UsageError
from mlp.common.registry import Registry
from mlp.data.load import Dataset, relabel_for
from mlp.models.formats.convert import read_model
from mlp.models.metadata import task_of
from mlp.models.predict import check_fits, vote
from mlp.nn.network import MLP
from mlp.view.answers import Answers
from mlp.view.screen import Screen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VIEWS: Registry[Callable[..., None]] = Registry("view")
"""Each view is a command of ``mlp show``. Its docstring is the help; its parameters are options for
typer and `mlp.cli.expand`, among them a `Canvas` to draw on."""

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A model, in any format.")]


@dataclass
class Canvas:
    """Where a view draws: the terminal, and the picture that ``--save`` names.

    Attributes:
        save: the picture's file, or None.
        force: whether it may replace a file.
        screen: what the terminal can show.

    Raises:
        UsageError: if the picture cannot be written.
    """

    save: Save = None
    force: Force = False
    screen: Screen = field(init=False, default_factory=Screen.of_stdout)

    def __post_init__(self) -> None:
        check_picture(self.save, self.force)

    def print(self, lines: Iterable[Text]) -> None:
        """Print lines on the terminal."""
        self.screen.print(lines)

    def write(self, plot: Callable[[], Figure]) -> None:
        """Draw a figure with ``plot`` and write it, if there is a picture to be saved."""
        if self.save is not None:
            write_picture(plot(), self.save)


@dataclass
class Tested:
    """A model, and the dataset whose test images it answers for."""

    model: Model
    device: Device = "auto"
    dataset: OwnDatasetName = None
    data: DataFolder = None

    def load_model(self) -> MLP:
        """Load the model onto the device."""
        return read_model(self.model, backend=open_device(self.device))

    def load_dataset(self, model: MLP) -> Dataset:
        """Load the dataset, with the labels that it comes with; see `open_data_of`."""
        return open_data_of(model, self.dataset, self.data)


def answer_test_images(model: MLP, dataset: Dataset) -> Answers:
    """Let a model answer its own task for a dataset's test images."""
    task = task_of(model)
    asked = relabel_for(task, dataset)
    check_fits(model, asked.pixels, asked.classes)
    with np.errstate(all="ignore"):  # weights of any size are to be shown
        found = vote([model], asked.test.images)  # (N, C)
    return Answers(task, found, asked.test.labels)


def check_images(dataset: Dataset) -> None:
    """Refuse a dataset that has no images to be shown.

    Raises:
        UsageError: if it has columns of numbers.
    """
    if dataset.train.images.ndim != 3:
        raise UsageError(
            f"{dataset.name} has columns of numbers, and no images to show: mlp eval tells how "
            "well a model reads it"
        )


def check_count(count: int | None, most: int | None = None) -> None:
    """Refuse a ``--count`` below 1 or above ``most``.

    Raises:
        UsageError: if it is.
    """
    if count is not None and (count < 1 or (most is not None and count > most)):
        limit = "1 or more" if most is None else f"1 to {most}"
        raise UsageError(f"--count {count}: it takes {limit}")
