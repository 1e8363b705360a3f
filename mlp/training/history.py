"""What a training run measured, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from mlp.common.html import chart, side_by_side
from mlp.data.dataset import Dataset
from mlp.data.inputs import Pixels
from mlp.data.task import Kind, score_name, score_text
from mlp.models.metadata import DatasetSummary, Metadata, metadata_of
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe

LOSSES = "loss", "validation_loss"
ACCURACIES = "train_accuracy", "validation_accuracy", "test_accuracy"


@dataclass(frozen=True)
class Epoch:
    """What was measured at the end of one epoch.

    Attributes:
        epoch: its number, from 1.
        loss: the mean of the losses of its updates, each taken before the update; or the loss that
            the recipe's ``loss_on`` names.
        train_accuracy: on the training images, 0 to 1; after the epoch or running, as the
            recipe's ``train_accuracy`` says.
        test_accuracy: on the test images, after the epoch. All accuracies run from 0 to 1; of
            numbers that are estimated, they are R².
        validation_accuracy: on the images held out, after the epoch; None where there are none.
        seconds: of training alone, without evaluation, since the epoch reported before.
        validation_loss: the mean loss on the images held out, after the epoch; None where there are
            none.
    """

    epoch: int
    loss: float
    train_accuracy: float
    test_accuracy: float
    validation_accuracy: float | None
    seconds: float
    validation_loss: float | None = None


@dataclass
class History:
    """The reported epochs of a run, and how it ended.

    Attributes:
        epochs: what was measured, in order.
        interrupted: whether it was ended before its last epoch, by an interrupt.
        stopped: why a callback ended it, in a sentence; None where none did.
        chosen: the epoch, from 1, whose parameters the network has; None for the last one.
        kind: of the task.
    """

    epochs: list[Epoch] = field(default_factory=list)
    interrupted: bool = False
    stopped: str | None = None
    chosen: int | None = None
    kind: Kind = "multiclass"

    @property
    def result(self) -> Epoch | None:
        """What was measured of the network that the run ended with; None if no epoch was."""
        chosen = [epoch for epoch in self.epochs if self.chosen in (None, epoch.epoch)]
        return chosen[-1] if chosen else None

    @property
    def train_seconds(self) -> float:
        """The seconds of training alone, over all epochs."""
        return sum(epoch.seconds for epoch in self.epochs)

    def _repr_html_(self) -> str:
        """Show the curves and the outcome in a notebook."""
        if not self.epochs:
            return "<p>no epoch was measured yet</p>"
        measure = score_name(self.kind)
        across = [float(epoch.epoch) for epoch in self.epochs]
        charts = [
            (title, chart(title, across, self._curves(names)))
            for title, names in (("loss over the epochs", LOSSES), (measure, ACCURACIES))
        ]
        last = self.result
        told = ""
        if last is not None:
            score = score_text(self.kind, last.test_accuracy)
            told = f"epoch {last.epoch}: test {measure} {score}"
        ended = "interrupted" if self.interrupted else self.stopped
        words = ", ".join(filter(None, [told, f"{self.train_seconds:.2f} s of training", ended]))
        return f"<div><p>{escape(words)}</p>{side_by_side(charts)}</div>"

    def _curves(self, names: Sequence[str]) -> dict[str, list[float]]:
        """Return those figures that every epoch has, by what people call them."""
        columns = {name: [getattr(epoch, name) for epoch in self.epochs] for name in names}
        return {
            name.removesuffix("_accuracy").replace("_", " "): values
            for name, values in columns.items()
            if None not in values
        }


def training_metadata(
    model: MLP, recipe: Recipe, dataset: Dataset, history: History, temperature: float | None
) -> Metadata:
    """Collect the metadata of a model file: facts about a network and its training.

    Args:
        model: the trained network.
        recipe: the hyperparameters.
        dataset: what it was trained and tested on.
        history: what was measured.
        temperature: what calibrates its probabilities; None where none was fitted.
    """
    last = history.result
    plain = isinstance(dataset.inputs, Pixels) and dataset.inputs.is_plain
    return Metadata(
        initialisation=metadata_of(model).initialisation,
        task=dataset.task,
        recipe=asdict(recipe),
        dataset=DatasetSummary(
            name=dataset.name,
            image_shape=dataset.train.images.shape[1:],
            train_images=len(dataset.train),
            train_sha256=dataset.train.checksum,
            test_images=len(dataset.test),
            test_sha256=dataset.test.checksum,
            origin=dataset.origin,
            reading=dataset.reading,
        ),
        history=tuple(_without_time(epoch) for epoch in history.epochs),
        epoch=last.epoch if last else None,
        train_accuracy=last.train_accuracy if last else None,
        test_accuracy=last.test_accuracy if last else None,
        validation_accuracy=last.validation_accuracy if last else None,
        temperature=temperature,
        inputs=None if plain else dataset.inputs,
    )


def _without_time(epoch: Epoch) -> dict[str, Any]:
    """Describe an epoch without its seconds, so that the same run makes the same file."""
    return {name: value for name, value in asdict(epoch).items() if name != "seconds"}
